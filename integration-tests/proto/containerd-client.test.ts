import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { packAny, unpackAny } from '#proto/any';
import type { ContainerdClient } from '#proto/containerd-client';
import { TaskStart } from '#proto/generated/containerd.events';
import { EventsService } from '#proto/generated/containerd.services.events.ttrpc.v1';
import type { Envelope } from '#proto/generated/containerd.types';
import { timestampNow } from '#proto/timestamp';
import { TtrpcClient } from '#proto/ttrpc-client';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd } from '../shim/real-containerd.ts';

describe('ContainerdClient and TtrpcClient against a real containerd', function () {
  let containerd: RealContainerd;
  let client: ContainerdClient;

  this.beforeAll(async function () {
    needRoot(this);
    needPeers(this, 'containerd', 'busybox');
    containerd = new RealContainerd();
    await containerd.start();
    ({ client } = containerd);
  });
  this.afterAll(() => containerd.stop());

  it('asks for version, health and plugins', async () => {
    expect((await client.version.version({})).version).to.match(/^v?[12]\./);
    expect((await client.health.check({})).status).to.equal('SERVING');
    const { plugins } = await client.introspection.plugins({ filters: ['id==overlayfs'] });
    expect(plugins.map(({ type }) => type)).to.include('io.containerd.snapshotter.v1');
    expect((await client.introspection.server({})).uuid).to.match(/^[0-9a-f-]{36}$/);
  });

  it('writes and reads content, under a lease', async () => {
    const { lease } = await client.leases.create({ id: 'l1', labels: { a: 'b' } });
    expect(lease).to.deep.include({ id: 'l1', labels: { a: 'b' } });
    const data = randomBytes(5 * 1024 * 1024);
    const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
    const write = client.content.write({ lease: 'l1' });
    const answers = write[Symbol.asyncIterator]();
    await write.write({ action: 'WRITE', ref: 'r1', total: data.length, data });
    expect((await answers.next()).value).to.include({ action: 'WRITE', offset: data.length });
    const commit = {
      action: 'COMMIT',
      ref: 'r1',
      total: data.length,
      offset: data.length,
    } as const;
    await write.write({ ...commit, expected: digest, labels: { x: 'y' } });
    expect((await answers.next()).value).to.include({ action: 'COMMIT', digest });
    write.end();

    const chunks: Buffer[] = [];
    for await (const { data: chunk } of client.content.read({ digest })) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(data)).to.be.true;
    expect((await client.content.info({ digest })).info).to.deep.include({
      digest,
      size: data.length,
      labels: { x: 'y' },
    });
    const { resources } = await client.leases.listResources({ id: 'l1' });
    expect(resources).to.deep.include({ id: digest, type: 'content' });
    await client.leases.delete({ id: 'l1', sync: true });
    const gone: unknown = await client.content.info({ digest }).catch((error: unknown) => error);
    expect(gone).to.have.property('kind', 'not_found');
  });

  it('prepares snapshots', async () => {
    const snapshot = { snapshotter: 'overlayfs', key: 's1' };
    const { mounts } = await client.snapshots.prepare({ ...snapshot, labels: { a: 'b' } });
    expect(mounts[0]?.type).to.equal('bind'); // the first layer has nothing below it
    const { info } = await client.snapshots.stat(snapshot);
    expect(info).to.deep.include({ name: 's1', kind: 'ACTIVE', labels: { a: 'b' } });
    const again: unknown = await client.snapshots
      .prepare(snapshot)
      .catch((error: unknown) => error);
    expect(again).to.have.property('kind', 'already_exists');
    await client.snapshots.remove(snapshot);
  });

  it('keeps records of images and containers', async () => {
    const target = {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      digest: `sha256:${'0'.repeat(64)}`,
      size: 7,
    };
    await client.images.create({ image: { name: 'i1', target, labels: { 'a.b/c': 'd' } } });
    expect((await client.images.get({ name: 'i1' })).image?.target).to.deep.include(target);
    await client.images.update({
      image: { name: 'i1', labels: { 'a.b/c': 'e' } },
      updateMask: { paths: ['labels.a.b/c'] },
    });
    const { images } = await client.images.list({ filters: ['name==i1'] });
    expect(images[0]?.labels).to.deep.equal({ 'a.b/c': 'e' });
    await client.images.delete({ name: 'i1', sync: true });
    const missing: unknown = await client.containers
      .get({ id: 'c1' })
      .catch((error: unknown) => error);
    expect(missing).to.include({ kind: 'not_found' });
  });

  it('refuses calls without a namespace, as our own server does', async () => {
    const error: unknown = await client.images
      .list({}, { namespace: '' })
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property('kind', 'conflict');
  });

  it('delivers an event by ttrpc and receives it by gRPC', async () => {
    const ttrpc = new TtrpcClient(`${containerd.address}.ttrpc`, {
      namespace: containerd.namespace,
    });
    const envelope: Envelope = {
      timestamp: timestampNow(),
      namespace: containerd.namespace,
      topic: '/tasks/start',
      event: packAny(TaskStart, { containerId: 'by-ttrpc', pid: 42 }),
    };
    const received = await waitFor('the event', async () => {
      // The subscription has no answer that tells when it began.
      await ttrpc.clientOf(EventsService).forward({ envelope }, { deadlineMs: 1000 });
      return containerd.events.find(({ event }) => event?.value.includes('by-ttrpc'));
    });
    ttrpc.close();
    expect(received).to.deep.include({ topic: '/tasks/start', timestamp: envelope.timestamp });
    expect(unpackAny(TaskStart, received.event!)).to.deep.equal({
      containerId: 'by-ttrpc',
      pid: 42,
    });
  });

  it('says which ttrpc service containerd does not have', async () => {
    const ttrpc = new TtrpcClient(`${containerd.address}.ttrpc`, { namespace: 'x' });
    const { TaskService } = await import('#proto/generated/containerd.task.v2');
    const error: unknown = await ttrpc
      .clientOf(TaskService)
      .connect({})
      .catch((thrown: unknown) => thrown);
    ttrpc.close();
    expect(error).to.have.property('kind', 'unimplemented');
  });
});
