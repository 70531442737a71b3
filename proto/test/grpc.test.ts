import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { StackError, errorKinds } from '#spec/errors';
import { ContainerdClient } from '#proto/containerd-client';
import { ContentService } from '#proto/generated/containerd.services.content.v1';
import { ImagesService } from '#proto/generated/containerd.services.images.v1';
import { GrpcServer, requireNamespace } from '#proto/server';

describe('GrpcServer with ContainerdClient', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'grpc-'));
  const socket = path.join(folder, 's');
  const bugs: string[] = [];
  const server = new GrpcServer({ reportBug: (_error, where) => bugs.push(where) });
  const client = new ContainerdClient(`unix://${socket}`, { namespace: 'ns' });
  let sent = 0;
  let finished = false;

  before(async () => {
    server.serve(ImagesService, {
      get: async ({ name }, context) => ({
        image: {
          name,
          labels: { namespace: requireNamespace(context), lease: context.lease ?? '' },
        },
      }),
      list: async ({ filters }) => {
        const kind = errorKinds.find((known) => known === filters[0]);
        if (kind) throw new StackError(kind, `as "${kind}": wanted`);
        throw new TypeError('a bug');
      },
      update: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    });
    server.serve(ContentService, {
      async *read({ size }) {
        try {
          for (; sent < size; sent += 1) yield { offset: sent, data: Buffer.alloc(256 * 1024, 1) };
        } finally {
          finished = true;
        }
      },
      async *write(requests) {
        let offset = 0;
        for await (const request of requests) {
          offset += request.data.length;
          yield { action: request.action, offset };
          if (request.action === 'COMMIT') return;
        }
        throw new StackError('aborted', 'no commit');
      },
    });
    await server.listen(socket);
  });
  beforeEach(() => {
    sent = 0;
    finished = false;
    bugs.length = 0;
  });
  after(async () => {
    client.close();
    await server.close(50);
    fs.rmSync(folder, { recursive: true });
  });

  it('carries messages, namespace and lease', async () => {
    const { image } = await client.images.get({ name: 'a' }, { lease: 'l1' });
    expect(image).to.deep.include({ name: 'a', labels: { namespace: 'ns', lease: 'l1' } });
    const other = await client.images.get({ name: 'a' }, { namespace: 'other' });
    expect(other.image?.labels['namespace']).to.equal('other');
    const none: unknown = await client.images.get({}, { namespace: '' }).catch((e: unknown) => e);
    expect(none).to.deep.include({ kind: 'conflict', message: 'namespace is required' });
  });

  it('brings every kind of error through with its message', async () => {
    for (const kind of errorKinds) {
      const error: unknown = await client.images.list({ filters: [kind] }).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(StackError);
      expect(error).to.deep.include({ kind, message: `as "${kind}": wanted` });
    }
    expect(bugs).to.be.empty;
  });

  it('reports bugs and answers internal', async () => {
    const error: unknown = await client.images.list({}).catch((e: unknown) => e);
    expect(error).to.deep.include({ kind: 'internal', message: 'a bug' });
    expect(bugs).to.deep.equal(['/containerd.services.images.v1.Images/List']);
  });

  it('says which method is not implemented', async () => {
    const error: unknown = await client.images.delete({}).catch((e: unknown) => e);
    expect(error).to.have.property('kind', 'unimplemented');
    expect(error).to.have.property('message').that.includes('Images/Delete');
    const list: unknown = await client.content
      .list({})
      [Symbol.asyncIterator]()
      .next()
      .catch((e: unknown) => e);
    expect(list).to.have.property('kind', 'unimplemented');
  });

  it('ends a call at its deadline and on abort, and tells the handler', async () => {
    const late: unknown = await client.images
      .update({}, { deadlineMs: 30 })
      .catch((e: unknown) => e);
    expect(late).to.have.property('kind', 'deadline_exceeded');
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 20);
    const given: unknown = await client.images
      .update({}, { signal: abort.signal })
      .catch((e: unknown) => e);
    expect(given).to.have.property('kind', 'cancelled');
    while (bugs.length < 2) await new Promise((resolve) => setTimeout(resolve, 5)); // each handler was aborted
  });

  it('streams no faster than the reader reads, and stops when the reader leaves', async () => {
    for await (const { offset } of client.content.read({ size: 400 })) {
      if (offset === 3) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(sent).to.be.lessThan(100);
        break;
      }
    }
    while (!finished) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(sent).to.be.lessThan(100);
  });

  it('reads a stream to its end', async () => {
    let count = 0;
    for await (const { data } of client.content.read({ size: 40 })) count += data.length;
    expect(count).to.equal(40 * 256 * 1024);
  });

  it('lets a client reset as many streams as it likes', async () => {
    const session = http2.connect('http://unix', { createConnection: () => net.connect(socket) });
    const path = '/containerd.services.content.v1.Content/Read';
    try {
      await once(session, 'connect');
      let isClosed = false;
      session.on('goaway', () => (isClosed = true));
      for (let streams = 0; streams < 1500; streams++) {
        const stream = session.request({ ':method': 'POST', ':path': path });
        stream.on('error', () => undefined); // of the session, if it is closed
        stream.end();
        await new Promise(setImmediate); // the request is on its way
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }
      await new Promise((resolve) => session.ping(resolve));
      expect(isClosed).to.equal(false);
    } finally {
      session.destroy();
    }
  }).timeout(20_000);

  it('talks both ways on one call', async () => {
    const call = client.content.write();
    const answers = call[Symbol.asyncIterator]();
    await call.write({ action: 'WRITE', data: Buffer.alloc(15 * 1024 * 1024) });
    expect((await answers.next()).value).to.deep.include({
      action: 'WRITE',
      offset: 15 * 1024 * 1024,
    });
    await call.write({ action: 'COMMIT' });
    expect((await answers.next()).value).to.deep.include({ action: 'COMMIT' });
    expect((await answers.next()).done).to.be.true;
  });

  it('fails reading and writing once the server has failed', async () => {
    const call = client.content.write();
    call.end();
    const read: unknown = await call[Symbol.asyncIterator]()
      .next()
      .catch((e: unknown) => e);
    expect(read).to.deep.include({ kind: 'aborted', message: 'no commit' });
    const write: unknown = await call.write({}).catch((e: unknown) => e);
    expect(write).to.have.property('kind', 'aborted');
  });

  it('answers unavailable while nobody listens', async () => {
    const nobody = new ContainerdClient(path.join(folder, 'nobody'), { namespace: 'ns' });
    const error: unknown = await nobody.version.version({}).catch((e: unknown) => e);
    nobody.close();
    expect(error).to.have.property('kind', 'unavailable');
  });
});
