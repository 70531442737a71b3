import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import type { Mount } from '#proto/generated/containerd.types';
import { SnapshotStore } from '../../src/snapshots/snapshot-store.ts';
import type { Snapshotter } from '../../src/snapshots/snapshotter.ts';
import type { FileWorker } from '../../src/worker/file-worker.ts';
import { expectRejection } from '../rejection.ts';
import { useStores } from '../stores.ts';
import { createTestWorker } from '../test-worker.ts';

export interface SnapshotterTestOptions {
  /** Makes one in a folder of its own. */
  create: (root: string, worker: FileWorker) => Snapshotter;
  /** How a snapshot without parents is mounted. */
  mount?: { type: string; options: readonly (string | RegExp)[] };
  /** The directory that a writable mount writes to; what the mount names, without it. */
  writableFolder?: (mount: Mount) => string;
}

/** What every Snapshotter does below a SnapshotStore. Each implementation's test file calls this once. */
export function describeSnapshotter(
  name: string,
  { create, mount = { type: 'bind', options: ['rw', 'rbind'] }, ...more }: SnapshotterTestOptions,
): void {
  describe(`${name} as a Snapshotter`, () => {
    const stores = useStores();
    const worker = createTestWorker();
    let store: SnapshotStore;
    beforeEach(() => {
      const { folder, metadata, leases } = stores();
      store = new SnapshotStore(create(path.join(folder, name), worker), metadata, leases);
    });
    after(async () => worker.close());

    const prepare = async (key: string, parent = '') =>
      store.prepare('ns', { key, parent, labels: {}, lease: undefined });
    const commit = async (key: string, committed: string) =>
      store.commit('ns', key, { name: committed, labels: {}, lease: undefined });
    /** Where writes to a snapshot go: what the first mount names. */
    const writableFolder = (mounts: Mount[]) => {
      if (more.writableFolder && mounts[0]) return more.writableFolder(mounts[0]);
      const upper = mounts[0]?.options.find((option) => option.startsWith('upperdir='));
      return upper?.slice('upperdir='.length) ?? mounts[0]?.source ?? '';
    };

    it(`begins with an empty tree that is written through a ${mount.type} mount`, async () => {
      const mounts = await prepare('a');
      expect(mounts).to.have.length(1);
      expect(mounts[0]).to.include({ type: mount.type });
      const known = (option: string) =>
        mount.options.some((one) => (one instanceof RegExp ? one.test(option) : one === option));
      expect(mounts[0]?.options.filter((option) => !known(option))).to.deep.equal([]);
      expect(mounts[0]?.options).to.have.length(mount.options.length);
      expect(fs.readdirSync(writableFolder(mounts))).to.deep.equal([]);
      expect(store.mounts('ns', 'a')).to.deep.equal(mounts);
    });

    it('refuses to prepare a key twice', async () => {
      await prepare('a');
      await expectRejection(prepare('a'), 'already_exists');
    });

    it('turns an active snapshot into a committed one, which others stand on', async () => {
      fs.writeFileSync(path.join(writableFolder(await prepare('a')), 'file'), 'text');
      await commit('a', 'base');
      expect(() => store.stat('ns', 'a')).to.throw('not found');
      expect(store.stat('ns', 'base')).to.include({ name: 'base', kind: 'COMMITTED', parent: '' });
      await prepare('b', 'base');
      expect(store.stat('ns', 'b')).to.include({ kind: 'ACTIVE', parent: 'base' });
    });

    it('refuses to stand on what is not committed', async () => {
      await prepare('a');
      await expectRejection(prepare('b', 'a'), 'invalid_argument', 'not committed');
      await expectRejection(prepare('b', 'missing'), 'not_found');
    });

    it('refuses to commit under a name that is taken, or twice', async () => {
      await prepare('a');
      await prepare('b');
      await commit('a', 'base');
      await expectRejection(commit('b', 'base'), 'already_exists');
      await expectRejection(commit('base', 'other'), 'conflict', 'not active');
      expect(() => store.mounts('ns', 'base')).to.throw('committed');
    });

    it('refuses to prepare for a target that is there', async () => {
      const labels = { 'containerd.io/snapshot.ref': 'base' };
      await store.prepare('ns', { key: 'a', parent: '', labels, lease: undefined });
      await commit('a', 'base');
      const again = store.prepare('ns', { key: 'b', parent: '', labels, lease: undefined });
      await expectRejection(again, 'already_exists', 'target snapshot "base"');
      expect(store.list('ns').map(({ name }) => name)).to.deep.equal(['base']);
    });

    it('keeps a snapshot that others stand on', async () => {
      await prepare('a');
      await commit('a', 'base');
      await prepare('b', 'base');
      expect(() => store.remove('ns', 'base')).to.throw('with child');
      store.remove('ns', 'b');
      store.remove('ns', 'base');
      expect(store.list('ns')).to.deep.equal([]);
    });

    it('shows a committed snapshot read-only in a view', async () => {
      await prepare('a');
      await commit('a', 'base');
      const snapshot = { key: 'v', parent: 'base', labels: {}, lease: undefined };
      const mounts = await store.view('ns', snapshot);
      expect(mounts[0]?.options).to.include('ro');
      await expectRejection(commit('v', 'no'), 'conflict');
    });

    it('measures what a snapshot takes by itself', async () => {
      const folder = writableFolder(await prepare('a'));
      const before = await store.usage('ns', 'a');
      fs.writeFileSync(path.join(folder, 'file'), Buffer.alloc(100_000, 1));
      fs.linkSync(path.join(folder, 'file'), path.join(folder, 'link'));
      const active = await store.usage('ns', 'a');
      expect(active.inodes).to.equal(before.inodes + 1);
      expect(active.size - before.size).to.be.within(100_000, 140_000);
      await commit('a', 'base');
      expect(await store.usage('ns', 'base')).to.deep.equal(active);
    });

    it('removes from disk what has no record, and nothing else', async () => {
      const { snapshotter } = store;
      await prepare('a');
      await prepare('b');
      await snapshotter.create({ id: 99, parentIds: [], readOnly: false }); // as after a crash
      store.remove('ns', 'a');
      await store.cleanup();
      expect(await snapshotter.ids()).to.deep.equal([2]);
      expect(fs.existsSync(writableFolder(store.mounts('ns', 'b')))).to.equal(true);
    });

    it('has separate keys in separate namespaces', async () => {
      await prepare('a');
      await store.prepare('other', { key: 'a', parent: '', labels: {}, lease: undefined });
      store.remove('other', 'a');
      expect(store.list('ns').map((info) => info.name)).to.deep.equal(['a']);
    });

    it('leaves nothing behind when it fails under an unknown lease', async () => {
      const snapshot = { key: 'a', parent: '', labels: {}, lease: 'missing' };
      await expectRejection(store.prepare('ns', snapshot), 'not_found', 'lease');
      expect(await store.snapshotter.ids()).to.deep.equal([]);
    });
  });
}
