/** Images move through the transfer service of containerd-lite, as containerd's newer clients ask for it. */
import { expect } from 'chai';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { packAny } from '#proto/any';
import {
  Data,
  ImageImportStream,
  ImageStore,
  OCIRegistry,
} from '#proto/generated/containerd.types.transfer';
import { isStackError } from '#spec/errors';
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { TransferClient } from './transfer-client.ts';

describe('transfers of containerd-lite', function () {
  this.timeout(60_000);
  const containerd = new ContainerdLite();
  let registry: string;
  let transfers: TransferClient;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr');
    registry = await devRegistry(this);
    await containerd.start();
    transfers = new TransferClient(containerd.address, containerd.namespace);
  });
  after(async () => {
    transfers.close();
    await containerd.remove();
  });

  const lines = async (...args: string[]) =>
    (await containerd.ctrOk(...args)).split('\n').filter((line) => line !== '');
  const failureOf = async (action: Promise<unknown>) => {
    const error: unknown = await action.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return isStackError(error) ? error : undefined;
  };
  /** Neither a lease nor anything half written. */
  const expectNothingOpen = async () => {
    await waitFor('leases to end', async () => (await lines('leases', 'ls', '-q')).length === 0);
    await waitFor('ingests to end', async () => (await lines('content', 'active')).length === 1);
  };

  it('pull and unpack, and tell how far they are', async () => {
    const name = `${registry}/debian:latest`;
    const events = await transfers.pull(name);
    const layers = events.filter((event) => event.includes(' layer-'));
    for (const state of ['waiting', 'downloading', 'complete', 'extracting', 'extracted']) {
      expect(layers.join('\n')).to.contain(`${state} layer-`);
    }
    expect(events[0]).to.equal(`Resolving from OCI Registry (${name})`);
    expect(events.slice(-2)).to.deep.equal([
      `saved ${name}`,
      `Completed pull from OCI Registry (${name})`,
    ]);
    expect(await containerd.ctrOk('images', 'check', `name==${name}`)).to.match(
      /complete \(4\/4\).*true/,
    );
    await expectNothingOpen();
  });

  it('ask for credentials on a stream', async () => {
    const [host = '', port] = registry.split(':');
    const guarded = http.createServer((request, response) => {
      const { authorization } = request.headers;
      if (authorization !== `Basic ${Buffer.from('ann:secret').toString('base64')}`) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
        return;
      }
      const { method, url: path, headers } = request;
      http
        .request({ host, port, method, path, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        })
        .end();
    });
    await new Promise<void>((resolve) => guarded.listen(0, '127.0.0.1', resolve));
    try {
      const address = `127.0.0.1:${(guarded.address() as AddressInfo).port}`; // it listens on TCP
      const name = `${address}/busybox:latest`;
      expect(await transfers.pullAs('ann', 'secret', name)).to.deep.equal([address]);
      expect(await lines('images', 'ls', '-q')).to.include(name);
      const refused = await failureOf(transfers.pullAs('ann', 'wrong', name));
      expect(refused?.message).to.match(/401|unauthorized/i);
    } finally {
      guarded.closeAllConnections();
      guarded.close();
    }
  });

  it('tag and push, and the registry hands out what it got', async () => {
    const original = `${registry}/busybox:latest`;
    const copy = `${registry}/transferred:1`;
    await transfers.pull(original);
    const store = (name: string) => packAny(ImageStore, { name });
    await transfers.transfer(store(original), store(copy));
    const events = await transfers.transfer(store(copy), packAny(OCIRegistry, { reference: copy }));
    expect(events.at(-1)).to.equal(`Completed push to OCI Registry (${copy})`);
    const digest = async (name: string) =>
      (await lines('images', 'ls', `name==${name}`)).at(-1)?.split(/\s+/)[2];
    const before = await digest(original);
    await containerd.ctrOk('images', 'rm', '--sync', copy);
    await transfers.pull(copy);
    expect(await digest(copy)).to.equal(before);
  });

  it('export and import an image unchanged', async () => {
    const name = `${registry}/busybox:oci`;
    await transfers.pull(name);
    const before = await lines('images', 'ls', `name==${name}`);
    const archive = await transfers.export(name);
    await containerd.ctrOk('images', 'rm', '--sync', name);
    const events = await transfers.import(archive, 'example.org/imported');
    expect(events).to.include(`saved ${name}`);
    expect(await lines('images', 'ls', `name==${name}`)).to.deep.equal(before);
    expect(await containerd.ctrOk('images', 'check', `name==${name}`)).to.contain('true');
  });

  it('refuse what is no archive, and half of one', async () => {
    const archive = await transfers.export(`${registry}/busybox:latest`);
    const noise = await failureOf(transfers.import(Buffer.alloc(4096, 'x'), 'example.org/noise'));
    expect(noise?.kind).to.equal('invalid_argument');
    const half = archive.subarray(0, archive.length / 2);
    expect((await failureOf(transfers.import(half, 'example.org/half')))?.kind).to.equal(
      'invalid_argument',
    );
    await expectNothingOpen();
  });

  it('refuse streams that are not there, and sources that have no way to the destination', async () => {
    const absent = packAny(ImageImportStream, { stream: 'nosuch' });
    const store = packAny(ImageStore, { name: 'example.org/x:1' });
    expect((await failureOf(transfers.transfer(absent, store)))?.kind).to.equal('not_found');
    const back = await failureOf(transfers.transfer(packAny(Data, {}), store));
    expect(back?.kind).to.equal('unimplemented');
    const stream = await transfers.openStream('taken');
    expect((await failureOf(transfers.openStream('taken')))?.kind).to.equal('already_exists');
    stream.cancel();
  });

  it('end with their client, and leave nothing of it', async () => {
    const before = await lines('content', 'ls', '-q');
    const stalled = http.createServer((_request, response) => response.writeHead(200)); // and no more
    await new Promise<void>((resolve) => stalled.listen(0, '127.0.0.1', resolve));
    const { port } = stalled.address() as AddressInfo; // it listens on TCP
    const gone = new AbortController();
    const pull = failureOf(transfers.pull(`127.0.0.1:${port}/nothing:1`, {}, gone.signal));
    const stream = await transfers.openStream();
    const half = failureOf(
      transfers.transfer(
        packAny(ImageImportStream, { stream: stream.id }),
        packAny(ImageStore, { name: 'example.org/half:1' }),
      ),
    );
    await waitFor('both to begin', async () => (await lines('leases', 'ls', '-q')).length === 2);
    gone.abort();
    stream.cancel();
    expect((await pull)?.kind).to.equal('cancelled');
    expect((await half)?.kind).to.be.oneOf(['cancelled', 'invalid_argument']); // or the archive is too short
    await expectNothingOpen();
    expect(await lines('content', 'ls', '-q')).to.deep.equal(before);
    stalled.closeAllConnections();
    stalled.close();
  });
});
