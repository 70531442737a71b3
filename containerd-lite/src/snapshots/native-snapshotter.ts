/** Snapshots as full copies: slow and large, but they work on every file system. `snapshots/<id>` is a whole tree. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { StackError, messageOf } from '#spec/errors';
import type { Mount } from '#proto/generated/containerd.types';
import type { FileWorker } from '../worker/file-worker.ts';
import { snapshotIds } from './snapshot-folder.ts';
import type { SnapshotLocation, SnapshotUsage, Snapshotter } from './snapshotter.ts';

const run = promisify(execFile);

export class NativeSnapshotter implements Snapshotter {
  readonly name = 'native';
  readonly #folder: string;
  readonly #worker: FileWorker;

  constructor(root: string, worker: FileWorker) {
    this.#folder = path.join(root, 'snapshots');
    this.#worker = worker;
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  async create({ id, parentIds, readOnly }: SnapshotLocation): Promise<void> {
    const [parent] = parentIds;
    const tree = this.#tree(id);
    await fs.promises.mkdir(tree, { mode: 0o755 });
    if (parent === undefined || readOnly) {
      await fs.promises.chmod(tree, 0o755);
      return;
    }
    try {
      // cp(1) keeps what Node's own copy loses: hard links, extended attributes, holes, device nodes.
      await run('cp', ['-a', '--reflink=auto', '-T', this.#tree(parent), tree]);
    } catch (error) {
      throw new StackError('internal', `cannot copy snapshot ${parent}: ${messageOf(error)}`);
    }
  }

  mounts({ id, parentIds, readOnly }: SnapshotLocation): Mount[] {
    const source = this.#tree(readOnly ? (parentIds[0] ?? id) : id);
    const options = ['rbind', readOnly ? 'ro' : 'rw'];
    return [{ type: 'bind', source, target: '', options }];
  }

  async usage({ id }: SnapshotLocation): Promise<SnapshotUsage> {
    return this.#worker.usage(this.#tree(id));
  }

  async remove(id: number): Promise<void> {
    await this.#worker.removeTree(this.#tree(id));
  }

  async ids(): Promise<number[]> {
    return snapshotIds(this.#folder);
  }

  #tree(id: number): string {
    return path.join(this.#folder, String(id));
  }
}
