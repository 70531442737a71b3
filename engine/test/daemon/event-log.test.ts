import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { silentLogger } from '#lib/log/logger';
import { EventLog, type EngineEvent } from '../../src/daemon/event-log.ts';

async function all(batches: AsyncIterable<EngineEvent[]>): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  for await (const batch of batches) events.push(...batch);
  return events;
}

describe('EventLog', () => {
  let folder: string;
  let file: string;
  const opened: EventLog[] = [];

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'event-log-'));
    file = path.join(folder, 'events.log');
  });

  afterEach(() => {
    for (const log of opened.splice(0)) log.close();
    fs.rmSync(folder, { recursive: true });
  });

  function open(): EventLog {
    const log = new EventLog(file, silentLogger);
    opened.push(log);
    return log;
  }

  const nanosecondsNow = () => BigInt(Date.now()) * 1_000_000n;

  async function past(
    log: EventLog,
    since: bigint,
    until = nanosecondsNow(),
  ): Promise<EngineEvent[]> {
    return all(log.read(since, until, new AbortController().signal));
  }

  it('brings back what was published before a restart, and passes over what SIGKILL cut short', async () => {
    const first = open();
    first.publish('container', 'start', 'c1', { name: 'web', note: 'two\nlines' });
    fs.appendFileSync(file, '{"type":"container","action":"di');
    const second = open();
    second.publish('image', 'pull', 'i1');
    const events = await past(second, 0n, nanosecondsNow() + 1_000_000_000n);
    expect(
      events.map(({ type, action, actorId, attributes }) => ({
        type,
        action,
        actorId,
        attributes,
      })),
    ).to.deep.equal([
      {
        type: 'container',
        action: 'start',
        actorId: 'c1',
        attributes: { name: 'web', note: 'two\nlines' },
      },
      { type: 'image', action: 'pull', actorId: 'i1', attributes: {} },
    ]);
  });

  it('takes its bounds to the nanosecond, and gives no two events the same time', async () => {
    const log = open();
    for (let index = 0; index < 100; index++) log.publish('volume', 'mount', `v${index}`);
    const events = await past(log, 0n, nanosecondsNow() + 1_000_000_000n);
    expect(new Set(events.map(({ timeNano }) => timeNano)).size).to.equal(100);
    const [from, to] = [events[10]?.timeNano ?? 0n, events[20]?.timeNano ?? 0n];
    const some = await past(log, from, to);
    expect(some.map(({ actorId }) => actorId)).to.deep.equal(
      Array.from({ length: 11 }, (_, index) => `v${index + 10}`),
    );
  });

  it('keeps a bounded number of them', async () => {
    const log = open();
    const attributes = { filler: 'x'.repeat(10_000) };
    for (let index = 0; index < 1000; index++)
      log.publish('network', 'connect', `${index}`, attributes);
    const bytes = fs
      .readdirSync(folder)
      .reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
    expect(bytes).to.be.within(3 * 1024 ** 2, 4.2 * 1024 ** 2);
    const kept = await past(log, 0n, nanosecondsNow() + 1_000_000_000n);
    expect(kept.at(-1)?.actorId).to.equal('999');
    expect(kept.length).to.be.within(300, 420);
  });

  it('tells what comes, across rotations, to whoever reads slowly, and ends at its time', async () => {
    const log = open();
    log.publish('container', 'start', 'before');
    const reading = (async () => {
      const seen: string[] = [];
      const until = nanosecondsNow() + 1_500_000_000n;
      for await (const batch of log.read(undefined, until, new AbortController().signal)) {
        seen.push(...batch.map(({ actorId }) => actorId));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return seen;
    })();
    const attributes = { filler: 'x'.repeat(10_000) };
    for (let index = 0; index < 250; index++)
      log.publish('network', 'connect', `${index}`, attributes);
    expect(await reading).to.deep.equal(Array.from({ length: 250 }, (_, index) => `${index}`));
  });

  it('stops when nobody listens any more', async () => {
    const log = open();
    const client = new AbortController();
    const reading = all(log.read(undefined, undefined, client.signal));
    setTimeout(() => client.abort(), 20);
    expect(await reading).to.deep.equal([]);
  });
});
