/**
 * The runtime's memory: `<root>/<id>/state.json`, written by create, run and update, read by everything else.
 * The directory also holds the exec fifo while the container waits for `start`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import { errorCode, StackError } from '#spec/errors';
import type { ResctrlGroup } from '#lib/resctrl/resctrl';
import type { RuntimeConfig } from '#spec/oci/runtime-config';

/** Private to this runtime; others ask `state`. */
export interface ContainerRecord {
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** The first process, on the host. 0 until it exists. */
  readonly pid: number;
  /** Of the first process: guards against a reused pid. */
  readonly startTime: string;
  /** The runtime that is making it, as long as there is no first process. */
  readonly creator?: { readonly pid: number; readonly startTime: string };
  /** RFC 3339. */
  readonly created: string;
  readonly ownerUid: number;
  /** From the root of every hierarchy; absent without a cgroup. */
  readonly cgroupPath?: string;
  /** Under --systemd-cgroup: the unit that the cgroup belongs to. */
  readonly unit?: UnitRecord;
  /** Shares of cache and memory bandwidth; absent without `linux.intelRdt`. */
  readonly resctrl?: ResctrlGroup;
  /** HOME for processes that have none. */
  readonly home: string;
  readonly noNewKeyring: boolean;
  /** What the standard streams were at the start, as /proc/PID/fd shows them: a checkpoint tells them from others. */
  readonly stdio: readonly string[];
  /** How it was made, for `explain --running`; absent for one that was restored. */
  readonly creation?: CreationRecord;
  readonly config: RuntimeConfig;
}

/** A unit of systemd's. */
export interface UnitRecord {
  /** `docker-4f2a….scope`. */
  readonly name: string;
  /** Run by the systemd of an ordinary user. */
  readonly user: boolean;
}

/** What the program of a container was compiled from besides its configuration. */
export interface CreationRecord {
  /** It waited for `start`. */
  readonly waits: boolean;
  readonly console: boolean;
  readonly noPivot: boolean;
  /** Of the preserved descriptors, those announced by LISTEN_FDS. */
  readonly listening: number;
  readonly preservedDescriptors: number;
  /** RLIMIT_NOFILE of the caller, in digits. */
  readonly openFiles?: { readonly soft: string; readonly hard: string };
}

const stateFile = 'state.json';
const fifoName = 'exec.fifo';

export class StateStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  directory(id: string): string {
    return path.join(this.#root, id);
  }

  fifo(id: string): string {
    return path.join(this.directory(id), fifoName);
  }

  /** Where the root of a container without a mount namespace is mounted (root-mount.ts). */
  rootMount(id: string): string {
    return path.join(this.directory(id), 'rootfs');
  }

  /** Where the container's own NOTIFY_SOCKET lies. */
  notifyDirectory(id: string): string {
    return path.join(this.directory(id), 'notify');
  }

  /** Reserves the name. Throws already_exists. */
  reserve(id: string): void {
    fs.mkdirSync(this.#root, { recursive: true, mode: 0o711 });
    try {
      fs.mkdirSync(this.directory(id), { mode: 0o711 });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      throw new StackError('already_exists', 'container with given ID already exists');
    }
  }

  write(record: ContainerRecord): void {
    writeFileAtomicSync(path.join(this.directory(record.id), stateFile), JSON.stringify(record));
  }

  /** Throws not_found: "container does not exist". */
  read(id: string): ContainerRecord {
    let text: string;
    try {
      text = fs.readFileSync(path.join(this.directory(id), stateFile), 'utf8');
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
      throw new StackError('not_found', 'container does not exist', { cause: error });
    }
    // Written whole by write() above, by this same program.
    return JSON.parse(text) as ContainerRecord;
  }

  /** Whether there is anything of `id`, be it without a state. */
  exists(id: string): boolean {
    return fs.existsSync(this.directory(id));
  }

  /** Throws EBUSY while a root is mounted inside, which must not be emptied. */
  remove(id: string): void {
    try {
      fs.rmdirSync(this.rootMount(id));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
    fs.rmSync(this.directory(id), { recursive: true, force: true });
  }

  /** Ids with a state, sorted. */
  list(): string[] {
    try {
      return fs
        .readdirSync(this.#root)
        .filter((id) => fs.existsSync(path.join(this.directory(id), stateFile)))
        .sort();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return []; // nothing was ever created
      throw error;
    }
  }
}
