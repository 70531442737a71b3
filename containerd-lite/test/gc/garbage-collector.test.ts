import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { silentLogger } from '#lib/log/logger';
import { Containers } from '../../src/containers/containers.ts';
import { GarbageCollector } from '../../src/gc/garbage-collector.ts';
import { Images } from '../../src/images/images.ts';
import { OverlaySnapshotter } from '../../src/snapshots/overlay-snapshotter.ts';
import { SnapshotStore } from '../../src/snapshots/snapshot-store.ts';
import { ingest, useStores } from '../stores.ts';
import { createTestWorker } from '../test-worker.ts';

const ns = 'ns';

describe('GarbageCollector', () => {
  const stores = useStores();
  const worker = createTestWorker();
  let gc: GarbageCollector;
  let snapshots: SnapshotStore;
  let images: Images;
  beforeEach(() => {
    const { folder, metadata, leases, content } = stores();
    const overlay = new OverlaySnapshotter(path.join(folder, 'overlay'), worker);
    snapshots = new SnapshotStore(overlay, metadata, leases);
    images = new Images(metadata);
    gc = new GarbageCollector({ metadata, content, snapshots: [snapshots], log: silentLogger });
  });
  afterEach(async () => gc.stop());
  after(async () => worker.close());

  const digests = () =>
    stores()
      .content.list(ns)
      .map(({ digest }) => digest);
  const keys = () => snapshots.list(ns).map(({ name }) => name);
  const files = () =>
    fs
      .readdirSync(path.join(stores().folder, 'content/blobs/sha256'))
      .map((hex) => `sha256:${hex}`);
  const createImage = (name: string, digest: string) =>
    images.create(ns, {
      name,
      labels: {},
      target: { mediaType: 'application/json', digest, size: 1, annotations: {} },
    });
  const chain = async (...names: string[]) => {
    let parent = '';
    for (const name of names) {
      await snapshots.prepare(ns, { key: `${name}-key`, parent, labels: {}, lease: undefined });
      await snapshots.commit(ns, `${name}-key`, { name, labels: {}, lease: undefined });
      parent = name;
    }
  };

  it('forgets images that have expired, unless something refers to them', async () => {
    const digest = await ingest(stores(), ns, 'layer');
    const labels = { 'containerd.io/gc.expire': '2020-01-01T00:00:00Z' };
    const target = { mediaType: 'application/json', digest, size: 1, annotations: {} };
    images.create(ns, { name: 'expired', labels, target });
    const bound = { ...labels, 'containerd.io/gc.bref.image': 'owner' };
    images.create(ns, { name: 'owner', labels: {}, target });
    images.create(ns, { name: 'bound', labels: bound, target });
    await gc.collect();
    expect(images.list(ns).map(({ name }) => name)).to.deep.equal(['bound', 'owner']);
    images.delete(ns, 'owner', undefined);
    await gc.collect();
    expect(images.list(ns)).to.deep.equal([]);
    expect(digests()).to.deep.equal([]);
  });

  it('collects what has expired without being asked', async () => {
    const { metadata, leases, content } = stores();
    const expiry = new Date(Date.now() + 100).toISOString();
    leases.create(ns, 'short', { 'containerd.io/gc.expire': expiry });
    await ingest(stores(), ns, 'layer', { lease: 'short' });
    const parts = { metadata, content, snapshots: [snapshots], log: silentLogger };
    const watching = new GarbageCollector({ ...parts, expiryCheckMs: 10 });
    try {
      for (let tries = 0; digests().length > 0 && tries < 200; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(digests()).to.deep.equal([]);
      expect(leases.list(ns)).to.deep.equal([]);
    } finally {
      await watching.stop();
    }
  });

  it('keeps what an image refers to, however far away, and removes the rest with its files', async () => {
    await chain('base', 'top');
    await chain('other');
    const layer = await ingest(stores(), ns, 'layer');
    const config = await ingest(stores(), ns, 'config', {
      labels: { 'containerd.io/gc.ref.snapshot.overlayfs': 'top' },
    });
    const manifest = await ingest(stores(), ns, 'manifest', {
      labels: {
        'containerd.io/gc.ref.content.config': config,
        'containerd.io/gc.ref.content.l.0': layer,
      },
    });
    await ingest(stores(), ns, 'garbage');
    createImage('image', manifest);
    await gc.collect();
    expect(digests()).to.have.members([layer, config, manifest]);
    expect(files()).to.have.members([layer, config, manifest]);
    expect(keys()).to.have.members(['base', 'top']);
    expect(await snapshots.snapshotter.ids()).to.have.length(2);
    images.delete(ns, 'image', undefined);
    await gc.collect();
    expect(digests()).to.deep.equal([]);
    expect(files()).to.deep.equal([]);
    expect(keys()).to.deep.equal([]);
  });

  it('removes what a process that was killed had begun to remove', async () => {
    const folder = path.join(stores().folder, 'content/blobs/sha256');
    fs.writeFileSync(path.join(folder, `.garbage-${'0'.repeat(64)}`), 'some of it');
    await gc.collect();
    expect(fs.readdirSync(folder)).to.deep.equal([]);
  });

  it('keeps a blob that another namespace still knows', async () => {
    const digest = await ingest(stores(), ns, 'shared');
    await ingest(stores(), 'other', 'shared', { labels: { 'containerd.io/gc.root': 'yes' } });
    await gc.collect();
    expect(digests()).to.deep.equal([]);
    expect(files()).to.deep.equal([digest]);
  });

  it('keeps what a lease holds until it expires', async () => {
    const { leases } = stores();
    const inOneHour = new Date(Date.now() + 3_600_000).toISOString();
    leases.create(ns, 'lease', { 'containerd.io/gc.expire': inOneHour });
    leases.create(ns, 'old', { 'containerd.io/gc.expire': '2020-01-01T00:00:00Z' });
    const held = await ingest(stores(), ns, 'held', { lease: 'lease' });
    await ingest(stores(), ns, 'expired', { lease: 'old' });
    await snapshots.prepare(ns, { key: 'work', parent: '', labels: {}, lease: 'lease' });
    await gc.collect();
    expect(digests()).to.deep.equal([held]);
    expect(keys()).to.deep.equal(['work']);
    expect(leases.list(ns).map(({ id }) => id)).to.deep.equal(['lease']);
    leases.delete(ns, 'lease');
    await gc.collect();
    expect(digests()).to.deep.equal([]);
    expect(keys()).to.deep.equal([]);
  });

  it('follows labels from a lease, but not from a flat one', async () => {
    const { leases } = stores();
    leases.create(ns, 'deep', {});
    leases.create(ns, 'flat', { 'containerd.io/gc.flat': 'true' });
    const a = await ingest(stores(), ns, 'a');
    const b = await ingest(stores(), ns, 'b');
    const toA = { 'containerd.io/gc.ref.content': a };
    const toB = { 'containerd.io/gc.ref.content/x': b };
    const fromDeep = await ingest(stores(), ns, 'from deep', { lease: 'deep', labels: toA });
    const fromFlat = await ingest(stores(), ns, 'from flat', { lease: 'flat', labels: toB });
    await gc.collect();
    expect(digests()).to.have.members([a, fromDeep, fromFlat]);
  });

  it("keeps a container's rootfs with all it stands on", async () => {
    await chain('base');
    await snapshots.prepare(ns, { key: 'rootfs', parent: 'base', labels: {}, lease: undefined });
    await snapshots.prepare(ns, { key: 'stray', parent: 'base', labels: {}, lease: undefined });
    const containers = new Containers(stores().metadata);
    containers.create(ns, {
      id: 'c',
      labels: {},
      image: '',
      runtime: { name: 'io.containerd.runc.v2' },
      spec: { typeUrl: 'x', value: Buffer.from('{}') },
      snapshotter: 'overlayfs',
      snapshotKey: 'rootfs',
      extensions: {},
      sandbox: '',
    });
    await gc.collect();
    expect(keys()).to.have.members(['base', 'rootfs']);
  });

  it('keeps what points back at something kept', async () => {
    const manifest = await ingest(stores(), ns, 'manifest');
    createImage('image', manifest);
    const referrer = await ingest(stores(), ns, 'signature', {
      labels: { 'containerd.io/gc.bref.content': manifest },
    });
    await gc.collect();
    expect(digests()).to.have.members([manifest, referrer]);
  });

  it('keeps an ingest that is being written, and one that is young', async () => {
    const { content, metadata } = stores();
    const open = { expected: '', total: 0, lease: undefined };
    const writer = await content.openWriter(ns, 'open', open);
    await writer.write(0, Buffer.from('x'));
    metadata.change(() => metadata.ingests.put(ns, 'old', { expected: '', expiresAtMs: 1 }));
    await gc.collect();
    expect(metadata.ingests.list(ns).map(({ name }) => name)).to.deep.equal(['open']);
    await writer.commit(0, '', {});
    await writer.close();
  });
});
