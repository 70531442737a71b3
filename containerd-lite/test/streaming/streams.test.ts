import { expect } from 'chai';
import { packAny, unpackAny } from '#proto/any';
import { StreamInit } from '#proto/generated/containerd.services.streaming.v1';
import { Data, WindowUpdate } from '#proto/generated/containerd.types.transfer';
import type { Any } from '#proto/generated/google.protobuf';
import type { MessageType } from '#proto/message';
import { ByteSender, receiveBytes } from '../../src/streaming/byte-stream.ts';
import { Streams } from '../../src/streaming/streams.ts';
import { expectRejection } from '../rejection.ts';

/** A client: what it has sent, and what it gets. */
function openStream(streams: Streams, id: string) {
  const sent: Any[] = [packAny(StreamInit, { id })];
  let wake: () => void = () => undefined;
  const state = { ended: false };
  const gone = new AbortController();
  async function* requests() {
    while (true) {
      const next = sent.shift();
      if (next) yield next;
      else if (state.ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const context = { namespace: 'ns', lease: undefined, signal: gone.signal, metadata: {} };
  return {
    answers: streams.serve(requests(), context),
    send: (message: Any) => {
      sent.push(message);
      wake();
    },
    end: () => {
      state.ended = true;
      wake();
    },
    go: () => gone.abort(),
  };
}

/** The next message, of a type. */
async function next<T>(answers: AsyncIterator<Any>, type: MessageType<T>): Promise<T | undefined> {
  const answer = await answers.next();
  return answer.done === true ? undefined : unpackAny(type, answer.value);
}

describe('Streams', () => {
  let streams: Streams;
  beforeEach(() => (streams = new Streams()));

  const open = async (id: string) => {
    const client = openStream(streams, id);
    await client.answers.next();
    return { client, stream: streams.get('ns', id) };
  };

  it('are known by name while they are open, each name once', async () => {
    const { client, stream } = await open('a');
    const second = openStream(streams, 'a');
    await expectRejection(second.answers.next(), 'already_exists');
    expect(() => streams.get('other', 'a')).to.throw('not found');
    stream.close();
    expect((await client.answers.next()).done).to.equal(true);
    expect(() => streams.get('ns', 'a')).to.throw('not found');
  });

  it('deliver what was sent before they were closed', async () => {
    const { client, stream } = await open('a');
    void stream.send(Data, { data: Buffer.from('last') });
    stream.close();
    expect((await next(client.answers, Data))?.data.toString()).to.equal('last');
    expect((await client.answers.next()).done).to.equal(true);
  });

  it('fail for whoever uses one whose client has gone', async () => {
    const { client, stream } = await open('a');
    const receiving = expectRejection(stream.receive(), 'cancelled', 'closed');
    client.go();
    await receiving;
    await expectRejection(stream.send(Data, {}), 'cancelled', 'closed');
  });

  it('carry bytes to their end, and no more than is granted', async () => {
    const { client, stream } = await open('in');
    const received = (async () => {
      const parts: Buffer[] = [];
      for await (const bytes of receiveBytes(stream)) parts.push(bytes);
      return Buffer.concat(parts).toString();
    })();
    expect((await next(client.answers, WindowUpdate))?.update).to.be.greaterThan(0);
    client.send(packAny(Data, { data: Buffer.from('ab') }));
    client.send(packAny(Data, { data: Buffer.from('c') }));
    client.end();
    const granting = (async () => {
      while (await next(client.answers, WindowUpdate));
    })();
    expect(await received).to.equal('abc');
    await granting;
  });

  it('send bytes only as the client grants them', async () => {
    const { client, stream } = await open('out');
    const sending = new ByteSender(stream).write(Buffer.from('abcde'));
    client.send(packAny(WindowUpdate, { update: 3 }));
    expect((await next(client.answers, Data))?.data.toString()).to.equal('abc');
    client.send(packAny(WindowUpdate, { update: 100 }));
    expect((await next(client.answers, Data))?.data.toString()).to.equal('de');
    void client.answers.next(); // takes the last one
    await sending;
  });
});
