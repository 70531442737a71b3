/**
 * The folder of a task, as containerd lays it out below its state folder:
 *
 *   config.json         the spec, for the runtime           work -> the task's folder below the root folder
 *   rootfs/             where the shim mounts the rootfs    log     FIFO for the shim's own log
 *   shim-binary-path    the shim that was started           bootstrap.json  where it listens
 *   stdio.json          what the client gave as stdio; written once the task is created (ours alone)
 *
 * The shim adds files of its own.
 */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode } from '#spec/errors';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import { removeFolder } from '#lib/remove-folder/remove-folder';
import type { TaskStdio } from '../metadata/metadata-store.ts';
import type { FileWorker } from '../worker/file-worker.ts';
import { parseEndpoint, type ShimEndpoint } from './shim-endpoint.ts';

export interface Bundle {
  readonly namespace: string;
  readonly id: string;
  readonly path: string;
}

export class Bundles {
  readonly #stateFolder: string;
  readonly #workFolder: string;
  readonly #worker: FileWorker;

  /** `state` is emptied by a reboot, `root` is not. */
  constructor(folders: { state: string; root: string }, worker: FileWorker) {
    this.#stateFolder = path.join(folders.state, 'io.containerd.runtime.v2.task');
    this.#workFolder = path.join(folders.root, 'io.containerd.runtime.v2.task');
    this.#worker = worker;
    for (const folder of [this.#stateFolder, this.#workFolder]) {
      fs.mkdirSync(folder, { recursive: true, mode: 0o711 });
    }
  }

  /** Throws already_exists. Nothing stays behind when this fails. */
  async create(namespace: string, id: string, spec: Uint8Array): Promise<Bundle> {
    const bundle = this.#bundle(namespace, id);
    const work = this.#work(bundle);
    fs.mkdirSync(path.dirname(bundle.path), { recursive: true, mode: 0o711 });
    try {
      fs.mkdirSync(bundle.path, { mode: 0o711 });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      throw new StackError('already_exists', `task "${id}": already exists`);
    }
    try {
      allowMappedRoot(bundle.path, spec);
      // On a disk, which may be busy; the state folder is in memory.
      await removeFolder(work); // of a task before a reboot
      await fs.promises.mkdir(work, { recursive: true, mode: 0o711 });
      fs.mkdirSync(path.join(bundle.path, 'rootfs'), { mode: 0o711 });
      fs.symlinkSync(work, path.join(bundle.path, 'work'));
      fs.writeFileSync(path.join(bundle.path, 'config.json'), spec, { mode: 0o644 });
      return bundle;
    } catch (error) {
      await this.remove(bundle);
      throw error;
    }
  }

  /** Bundles of all namespaces, as a previous process left them. */
  list(): Bundle[] {
    return childrenOf(this.#stateFolder).flatMap((namespace) =>
      childrenOf(path.join(this.#stateFolder, namespace)).map((id) => this.#bundle(namespace, id)),
    );
  }

  /** Removes the folder; a rootfs that the shim has left mounted is unmounted. */
  async remove(bundle: Bundle): Promise<void> {
    await this.#removeRootfs(path.join(bundle.path, 'rootfs'));
    await this.#removeWork(this.#work(bundle));
    await removeFolder(bundle.path);
  }

  /** Not recursively: if it has files, they are not ours to delete. */
  async #removeRootfs(rootfs: string): Promise<void> {
    try {
      await removeEmpty(rootfs);
    } catch (error) {
      if (errorCode(error) !== 'EBUSY') throw error;
      await this.#worker.unmount(rootfs);
      await removeEmpty(rootfs);
    }
  }

  async #removeWork(work: string): Promise<void> {
    try {
      await removeEmpty(work);
    } catch {
      await this.#worker.removeTree(work); // there is something in it
    }
  }

  #bundle(namespace: string, id: string): Bundle {
    return { namespace, id, path: path.join(this.#stateFolder, namespace, id) };
  }

  #work({ namespace, id }: Bundle): string {
    return path.join(this.#workFolder, namespace, id);
  }
}

/** Notes where the shim listens, for the next process. */
export function writeEndpoint(bundle: Bundle, endpoint: ShimEndpoint): void {
  writeFileAtomicSync(path.join(bundle.path, 'bootstrap.json'), JSON.stringify(endpoint));
}

/** Where the shim listens; undefined if it never came so far. */
export function readEndpoint(bundle: Bundle): ShimEndpoint | undefined {
  const read = (name: string) => {
    try {
      return fs.readFileSync(path.join(bundle.path, name));
    } catch {
      return undefined; // not written yet
    }
  };
  const bootstrap = read('bootstrap.json');
  if (bootstrap !== undefined) return parseEndpoint(bootstrap);
  // Shims write this one themselves: it is there if we died between its start and our own note.
  const address = read('address');
  return address === undefined ? undefined : parseEndpoint(address);
}

/** Notes which shim the bundle belongs to, for its deletion. */
export function writeShimPath(bundle: Bundle, file: string): void {
  fs.writeFileSync(path.join(bundle.path, 'shim-binary-path'), file, { mode: 0o600 });
}

export function readShimPath(bundle: Bundle): string | undefined {
  try {
    return fs.readFileSync(path.join(bundle.path, 'shim-binary-path'), 'utf8');
  } catch {
    return undefined; // we died before it was written, so no shim was started
  }
}

/** Notes that the task was created, and its stdio for the time after its shim. */
export function markCreated(bundle: Bundle, stdio: TaskStdio): void {
  writeFileAtomicSync(path.join(bundle.path, 'stdio.json'), JSON.stringify(stdio));
}

/** What {@link markCreated} noted; undefined while the creation is not complete. */
export function readCreated(bundle: Bundle): TaskStdio | undefined {
  try {
    // Nobody but markCreated writes it.
    return JSON.parse(fs.readFileSync(path.join(bundle.path, 'stdio.json'), 'utf8')) as TaskStdio;
  } catch {
    return undefined;
  }
}

/** With a user namespace the container's root must be able to reach its rootfs through the folder. */
function allowMappedRoot(folder: string, spec: Uint8Array): void {
  const linux = parseObject(Buffer.from(spec).toString('utf8'))['linux'];
  const mappings: unknown = isObject(linux) ? linux['gidMappings'] : undefined;
  const root: unknown = Array.isArray(mappings)
    ? mappings.find((mapping) => isObject(mapping) && mapping['containerID'] === 0)
    : undefined;
  const gid = isObject(root) ? root['hostID'] : undefined;
  if (typeof gid !== 'number' || gid === 0) {
    fs.chmodSync(folder, 0o700);
    return;
  }
  fs.chownSync(folder, 0, gid);
  fs.chmodSync(folder, 0o710);
}

/** Removes a folder that may be missing. Throws ENOTEMPTY, and EBUSY where something is mounted on it. */
async function removeEmpty(folder: string): Promise<void> {
  try {
    await fs.promises.rmdir(folder);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function childrenOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isObject(value)) return value;
  throw new StackError('invalid_argument', `not a JSON object: "${text.slice(0, 80)}"`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
