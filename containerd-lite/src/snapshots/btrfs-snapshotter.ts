/**
 * Snapshots as subvolumes of btrfs, which share what they have in common: `snapshots/<id>` is one, mounted by its id as
 * containerd's own `btrfs` does. The root folder has to lie on a btrfs.
 */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import { mountOf, readMounts } from '#lib/mounts/mountinfo';
import { subvolumeId } from '#lib/sys/btrfs';
import type { Mount } from '#proto/generated/containerd.types';
import type { FileWorker } from '../worker/file-worker.ts';
import { snapshotIds } from './snapshot-folder.ts';
import type { SnapshotLocation, SnapshotUsage, Snapshotter } from './snapshotter.ts';

/** BTRFS_SUPER_MAGIC: what statfs(2) says of a btrfs. */
const btrfsMagic = 0x9123683e;

/** Whether snapshots can be kept in `root`, which need not exist. */
export function liesOnBtrfs(root: string): boolean {
  let existing = root;
  while (!fs.existsSync(existing)) existing = path.dirname(existing);
  return fs.statfsSync(existing).type === btrfsMagic;
}

export class BtrfsSnapshotter implements Snapshotter {
  readonly name = 'btrfs';
  readonly #folder: string;
  readonly #worker: FileWorker;
  readonly #device: string;

  /** Throws invalid_argument where `root` lies on another file system. */
  constructor(root: string, worker: FileWorker) {
    this.#folder = path.join(root, 'snapshots');
    this.#worker = worker;
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#device = deviceOf(this.#folder);
  }

  async create({ id, parentIds, readOnly }: SnapshotLocation): Promise<void> {
    const [parent] = parentIds;
    const source = parent === undefined ? undefined : this.#tree(parent);
    await this.#worker.createSubvolume({ target: this.#tree(id), source, readOnly });
  }

  mounts({ id, readOnly }: SnapshotLocation): Mount[] {
    const options = [`subvolid=${subvolumeId(this.#tree(id))}`, ...(readOnly ? ['ro'] : [])];
    return [{ type: 'btrfs', source: this.#device, target: '', options }];
  }

  async usage({ id, parentIds }: SnapshotLocation): Promise<SnapshotUsage> {
    const [parent] = parentIds;
    return this.#worker.usage(
      this.#tree(id),
      parent === undefined ? undefined : this.#tree(parent),
    );
  }

  async remove(id: number): Promise<void> {
    await this.#worker.destroySubvolume(this.#tree(id));
  }

  async ids(): Promise<number[]> {
    return snapshotIds(this.#folder);
  }

  #tree(id: number): string {
    return path.join(this.#folder, String(id));
  }
}

/** The block device of the btrfs that `folder` lies on. */
function deviceOf(folder: string): string {
  const real = fs.realpathSync(folder);
  const found = mountOf(readMounts(), real);
  if (found?.type !== 'btrfs') {
    throw new StackError('invalid_argument', `"${folder}" does not lie on a btrfs`);
  }
  return found.source;
}
