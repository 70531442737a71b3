import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { TaskService } from '#proto/generated/containerd.task.v2';
import { Request, Response } from '#proto/generated/ttrpc';
import { ReportedError } from '#proto/status';
import { TtrpcClient } from '#proto/ttrpc-client';
import { TtrpcServer } from '#proto/ttrpc-server';
import { FrameReader, encodeFrame, maximumDataLength } from '#proto/ttrpc-frame';

describe('FrameReader', () => {
  const frames = [
    { streamId: 1, type: 1, flags: 0, data: Buffer.from('hello') },
    { streamId: 0xffffffff, type: 2, flags: 1, data: Buffer.alloc(0) },
  ];

  it('finds frames wherever chunks end', () => {
    const bytes = Buffer.concat(frames.map(encodeFrame));
    for (const size of [1, 3, 11, bytes.length]) {
      const reader = new FrameReader();
      const found = [];
      for (let at = 0; at < bytes.length; at += size) {
        found.push(...reader.push(bytes.subarray(at, at + size)));
      }
      expect(found).to.deep.equal(frames);
    }
  });

  it('skips a frame that is too long and goes on', () => {
    const header = Buffer.alloc(10);
    header.writeUInt32BE(maximumDataLength + 1, 0);
    header.writeUInt32BE(5, 4);
    header.writeUInt8(1, 8);
    const reader = new FrameReader();
    const half = Buffer.alloc(maximumDataLength / 2);
    const found = [
      ...reader.push(Buffer.concat([header, half])),
      ...reader.push(half),
      ...reader.push(Buffer.concat([Buffer.alloc(1), ...frames.map(encodeFrame)])),
    ];
    expect(found).to.deep.equal([
      { streamId: 5, type: 1, oversize: maximumDataLength + 1 },
      ...frames,
    ]);
  });
});

describe('TtrpcServer with TtrpcClient', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ttrpc-'));
  const socket = path.join(folder, 's');
  const server = new TtrpcServer({ reportBug: () => undefined });
  let client: TtrpcClient;
  let release: () => void = () => undefined;
  let aborted = false;

  before(async () => {
    server.serve(TaskService, {
      connect: async ({ id }, { namespace }) => ({ version: `${namespace}/${id}` }),
      wait: (_request, { signal }) =>
        new Promise((resolve) => {
          release = () => resolve({ exitStatus: 7 });
          signal.addEventListener('abort', () => (aborted = true));
        }),
      start: async () => Promise.reject(new StackError('conflict', 'not now')),
      create: async () => Promise.reject(new ReportedError('OCI runtime create failed: no')),
      state: async () => ({ id: 'x'.repeat(maximumDataLength) }),
    });
    await server.listen({ path: socket });
  });
  beforeEach(() => {
    aborted = false;
    client = new TtrpcClient(`unix://${socket}`, { namespace: 'ns' });
  });
  afterEach(() => client.close());
  after(() => {
    server.close();
    fs.rmSync(folder, { recursive: true });
  });

  it('answers calls while an earlier one waits', async () => {
    const task = client.clientOf(TaskService);
    const waiting = task.wait({ id: 'a' });
    expect((await task.connect({ id: 'a' })).version).to.equal('ns/a');
    expect((await task.connect({ id: 'b' }, { namespace: 'other' })).version).to.equal('other/b');
    release();
    expect((await waiting).exitStatus).to.equal(7);
  });

  it('carries kind and message of errors', async () => {
    const task = client.clientOf(TaskService);
    for (const [call, kind, message] of [
      [task.start({}), 'conflict', 'not now'],
      [task.create({}), 'internal', 'OCI runtime create failed: no'],
      [task.pause({}), 'unimplemented', 'method containerd.task.v2.Task/Pause'],
      [task.state({}), 'resource_exhausted', 'exceeds the limit'],
    ] as const) {
      const error: unknown = await call.catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(StackError).with.property('kind', kind);
      expect(error).to.have.property('message').that.includes(message);
    }
  });

  it('ends a call at its deadline, on both sides', async () => {
    const task = client.clientOf(TaskService);
    const error: unknown = await task
      .wait({}, { deadlineMs: 30 })
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property('kind', 'deadline_exceeded');
    expect((await task.connect({ id: 'still' })).version).to.equal('ns/still');
    expect(aborted).to.be.true;
  });

  it('fails calls under way when the connection is lost, and tells the handler', async () => {
    const task = client.clientOf(TaskService);
    const waiting = task.wait({}).catch((thrown: unknown) => thrown);
    await task.connect({});
    client.close();
    expect(await waiting).to.have.property('kind', 'unavailable');
    expect(await client.closed).to.have.property('kind', 'unavailable');
    expect(await task.connect({}).catch((thrown: unknown) => thrown)).to.have.property(
      'kind',
      'unavailable',
    );
    while (!aborted) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('answers broken requests and keeps the connection', async () => {
    const raw = net.connect(socket);
    const reader = new FrameReader();
    const answers: { streamId: number; code: number | undefined }[] = [];
    raw.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        if ('oversize' in frame) throw new Error('unexpected');
        answers.push({ streamId: frame.streamId, code: Response.decode(frame.data).status?.code });
      }
    });
    await once(raw, 'connect');
    const request = (service: string) =>
      Request.encode({ service, method: 'Connect', payload: Buffer.alloc(0) });
    const send = (streamId: number, data: Buffer) =>
      raw.write(encodeFrame({ streamId, type: 1, flags: 0, data }));
    send(1, Buffer.from([0x0a, 200])); // not a Request
    send(2, request('containerd.task.v2.Task')); // even
    send(3, request('no.such.Service'));
    send(3, request('containerd.task.v2.Task')); // used before
    send(5, request('containerd.task.v2.Task'));
    while (answers.length < 5) await once(raw, 'data');
    raw.destroy();
    expect(
      answers.sort((a, b) => a.streamId - b.streamId || (a.code ?? 0) - (b.code ?? 0)),
    ).to.deep.equal([
      { streamId: 1, code: 3 },
      { streamId: 2, code: 3 },
      { streamId: 3, code: 3 },
      { streamId: 3, code: 12 },
      { streamId: 5, code: undefined },
    ]);
  });

  it('says which socket nobody listens on', async () => {
    const nobody = new TtrpcClient(path.join(folder, 'nobody'), { namespace: '' });
    const error: unknown = await nobody
      .clientOf(TaskService)
      .connect({})
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property('kind', 'unavailable');
    expect(error).to.have.property('message').that.includes(path.join(folder, 'nobody'));
  });
});
