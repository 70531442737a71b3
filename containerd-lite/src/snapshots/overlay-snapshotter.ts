/**
 * Snapshots as directories of an overlay, laid out and mounted as by containerd's own `overlayfs`:
 * `snapshots/<id>/fs` is a layer, `snapshots/<id>/work` what the kernel needs while it is the upper one.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Mount } from '#proto/generated/containerd.types';
import type { FileWorker } from '../worker/file-worker.ts';
import type { SnapshotLocation, SnapshotUsage, Snapshotter } from './snapshotter.ts';
import { snapshotIds } from './snapshot-folder.ts';

export class OverlaySnapshotter implements Snapshotter {
  readonly name = 'overlayfs';
  readonly #folder: string;
  readonly #worker: FileWorker;
  /** Overlays of hard-linked trees refuse to mount with the index that some kernels have on by default. */
  readonly #indexOff: readonly string[];

  constructor(root: string, worker: FileWorker) {
    this.#folder = path.join(root, 'snapshots');
    this.#worker = worker;
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#indexOff = fs.existsSync('/sys/module/overlay/parameters/index') ? ['index=off'] : [];
  }

  async create({ id, parentIds, readOnly }: SnapshotLocation): Promise<void> {
    await fs.promises.mkdir(path.join(this.#folder, String(id)), { mode: 0o700 });
    await fs.promises.mkdir(this.#layer(id), { mode: 0o755 });
    const [parent] = parentIds;
    if (parent !== undefined) {
      // The upper directory's own attributes are what the container's / shows.
      const { uid, gid, mode } = await fs.promises.stat(this.#layer(parent));
      await fs.promises.chown(this.#layer(id), uid, gid);
      await fs.promises.chmod(this.#layer(id), mode & 0o7777);
    } else {
      await fs.promises.chmod(this.#layer(id), 0o755);
    }
    if (!readOnly) await fs.promises.mkdir(this.#work(id), { mode: 0o711 });
  }

  mounts({ id, parentIds, readOnly }: SnapshotLocation): Mount[] {
    const [parent] = parentIds;
    if (parent === undefined) return [bind(this.#layer(id), readOnly)];
    if (readOnly && parentIds.length === 1) return [bind(this.#layer(parent), true)];
    const lower = parentIds.map((parentId) => this.#layer(parentId)).join(':');
    const options = [
      ...(readOnly ? [] : [`workdir=${this.#work(id)}`, `upperdir=${this.#layer(id)}`]),
      `lowerdir=${lower}`,
      ...this.#indexOff,
    ];
    return [{ type: 'overlay', source: 'overlay', target: '', options }];
  }

  async usage({ id }: SnapshotLocation): Promise<SnapshotUsage> {
    return this.#worker.usage(this.#layer(id));
  }

  async remove(id: number): Promise<void> {
    await this.#worker.removeTree(path.join(this.#folder, String(id)));
  }

  async ids(): Promise<number[]> {
    return snapshotIds(this.#folder);
  }

  #layer(id: number): string {
    return path.join(this.#folder, String(id), 'fs');
  }

  #work(id: number): string {
    return path.join(this.#folder, String(id), 'work');
  }
}

function bind(source: string, readOnly: boolean): Mount {
  return { type: 'bind', source, target: '', options: [readOnly ? 'ro' : 'rw', 'rbind'] };
}
