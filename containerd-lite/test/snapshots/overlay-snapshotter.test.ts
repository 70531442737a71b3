import { expect } from 'chai';
import fs from 'node:fs';
import { OverlaySnapshotter } from '../../src/snapshots/overlay-snapshotter.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';
import { describeSnapshotter } from './snapshotter-suite.ts';
import { createTestWorker } from '../test-worker.ts';

describeSnapshotter('overlayfs', {
  create: (root, worker) => new OverlaySnapshotter(root, worker),
});

describe('OverlaySnapshotter', () => {
  const folder = useTemporaryFolder();

  it('answers with the mounts of containerd', () => {
    const snapshotter = new OverlaySnapshotter(folder(), createTestWorker());
    const at = (path: string) => `${folder()}/snapshots/${path}`;
    const [writable] = snapshotter.mounts({ id: 3, parentIds: [2, 1], readOnly: false });
    expect(writable).to.include({ type: 'overlay', source: 'overlay', target: '' });
    const indexOff = fs.existsSync('/sys/module/overlay/parameters/index') ? ['index=off'] : [];
    expect(writable?.options).to.deep.equal([
      `workdir=${at('3/work')}`,
      `upperdir=${at('3/fs')}`,
      `lowerdir=${at('2/fs')}:${at('1/fs')}`,
      ...indexOff,
    ]);
    const [view] = snapshotter.mounts({ id: 3, parentIds: [2, 1], readOnly: true });
    expect(view?.options).to.deep.equal([`lowerdir=${at('2/fs')}:${at('1/fs')}`, ...indexOff]);
    expect(snapshotter.mounts({ id: 3, parentIds: [2], readOnly: true })).to.deep.equal([
      { type: 'bind', source: at('2/fs'), target: '', options: ['ro', 'rbind'] },
    ]);
  });

  it('gives a layer the mode of what it stands on', async () => {
    const snapshotter = new OverlaySnapshotter(folder(), createTestWorker());
    await snapshotter.create({ id: 1, parentIds: [], readOnly: false });
    fs.chmodSync(`${folder()}/snapshots/1/fs`, 0o1777);
    await snapshotter.create({ id: 2, parentIds: [1], readOnly: false });
    expect(fs.statSync(`${folder()}/snapshots/2/fs`).mode & 0o7777).to.equal(0o1777);
  });
});
