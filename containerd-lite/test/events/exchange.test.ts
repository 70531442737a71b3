import { expect } from 'chai';
import { TaskExit } from '#proto/generated/containerd.events';
import type { Envelope } from '#proto/generated/containerd.types';
import { Exchange } from '../../src/events/exchange.ts';

async function take(events: AsyncIterable<Envelope>, count: number): Promise<Envelope[]> {
  const taken: Envelope[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}

describe('Exchange', () => {
  const exit = { containerId: 'web', id: 'web', pid: 1, exitStatus: 7 };

  it('gives each subscriber, in order, what its filters pass', async () => {
    const exchange = new Exchange();
    const { signal } = new AbortController();
    const all = exchange.subscribe([], signal);
    const some = exchange.subscribe(['topic==/tasks/exit,event.container_id==web'], signal);
    exchange.publish('ns', '/tasks/exit', TaskExit, { ...exit, containerId: 'db' });
    exchange.publish('ns', '/tasks/exit', TaskExit, exit);
    const first = await take(all, 2);
    expect(first.map(({ event }) => TaskExit.decode(event!.value).containerId)).to.deep.equal([
      'db',
      'web',
    ]);
    const [only] = await take(some, 1);
    expect(TaskExit.decode(only!.event!.value)).to.include(exit);
  });

  it('ends a subscription with its caller', async () => {
    const exchange = new Exchange();
    const abort = new AbortController();
    const events = take(exchange.subscribe([], abort.signal), 1);
    abort.abort();
    expect(await events).to.deep.equal([]);
  });

  it('drops a subscriber that does not read', async () => {
    const exchange = new Exchange();
    const events = exchange.subscribe([], new AbortController().signal);
    for (let i = 0; i < 10_001; i++) exchange.publish('ns', '/tasks/exit', TaskExit, exit);
    const error: unknown = await take(events, 1).catch((reason: unknown) => reason);
    expect(error).to.include({ kind: 'resource_exhausted' });
  });

  for (const [what, change] of [
    ['namespace', { namespace: '' }],
    ['topic', { topic: 'exit' }],
  ] as const) {
    it(`refuses an event without a proper ${what}`, () => {
      const event = { typeUrl: 'x', value: Buffer.alloc(0) };
      const timestamp = { seconds: 1, nanos: 0 };
      const envelope = { namespace: 'ns', topic: '/a', timestamp, event, ...change };
      expect(() => new Exchange().forward(envelope)).to.throw('cannot forward event');
    });
  }
});
