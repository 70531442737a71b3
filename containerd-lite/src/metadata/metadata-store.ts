/**
 * The metadata database: one LMDB file with one table per kind of object. All of it is in memory as well.
 *
 * A change is synchronous: what it checks cannot change before what it writes, a throw undoes all of it, and two requests
 * never interleave inside one. It is written behind: changes that come while others are being flushed go to the disk
 * together, in one transaction and in their order, on a thread of LMDB's. Whoever tells somebody, or removes what a
 * changed record named, waits for {@link MetadataStore.settled} first; so what was answered survives SIGKILL and power loss.
 */
import fs from 'node:fs';
import path from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { setCloseOnExec } from '#lib/sys/descriptor';
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { Container } from '#proto/generated/containerd.services.containers.v1';
import type { Image } from '#proto/generated/containerd.services.images.v1';
import { Journal } from './journal.ts';
import { Table } from './table.ts';

/** Labels of any object. */
export type Labels = Record<string, string>;

export interface NamespaceRecord {
  labels: Labels;
}

/** What a namespace knows about a blob; the bytes are shared by all namespaces. */
export interface ContentRecord {
  /** Bytes. */
  size: number;
  createdAt: Timestamp;
  updatedAt: Timestamp;
  labels: Labels;
}

/** An ingest that was begun and neither committed nor aborted. Its bytes lie in the ingest folder. */
export interface IngestRecord {
  /** Digest, empty if not known. */
  expected: string;
  /** Milliseconds since 1970, for an ingest that no lease keeps. */
  expiresAtMs?: number;
}

export type SnapshotKind = 'VIEW' | 'ACTIVE' | 'COMMITTED';

export interface SnapshotRecord {
  /** Names the folder on disk; never used twice. */
  id: number;
  kind: SnapshotKind;
  /** Name of a committed snapshot of the same namespace and snapshotter; empty for none. */
  parent: string;
  createdAt: Timestamp;
  updatedAt: Timestamp;
  labels: Labels;
  /** Measured at commit. */
  usage?: { size: number; inodes: number };
}

/** What a lease keeps: `content`, `ingests` or `snapshots/<snapshotter>`, and the id among those. */
export interface LeaseResource {
  type: string;
  id: string;
}

export interface LeaseRecord {
  createdAt: Timestamp;
  labels: Labels;
  resources: LeaseResource[];
}

/** How a process ended, kept from the moment it is known until the process is deleted. Key: container and exec id. */
export interface ExitRecord {
  pid: number;
  exitStatus: number;
  exitedAt: Timestamp;
  /** Of a task whose shim is gone: clients remove the FIFOs that they find here. */
  stdio?: TaskStdio;
}

/** What a task was created with: paths of FIFOs or URIs of loggers. */
export interface TaskStdio {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

export class MetadataStore {
  readonly namespaces: Table<NamespaceRecord>;
  readonly content: Table<ContentRecord>;
  readonly ingests: Table<IngestRecord>;
  readonly images: Table<Image>;
  readonly containers: Table<Container>;
  /** Names: `<snapshotter>/<key>`. */
  readonly snapshots: Table<SnapshotRecord>;
  readonly leases: Table<LeaseRecord>;
  /** Names: `<container id>/<exec id>`, the task's own without exec id. */
  readonly exits: Table<ExitRecord>;
  readonly #root: RootDatabase;
  readonly #counters: Table<number>;
  readonly #journal: Journal;

  /** Opens, and where needed creates, the database in `directory`. The caller holds the directory's lock. */
  constructor(directory: string) {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = path.join(fs.realpathSync(directory), 'meta.lmdb');
    const root = open({ path: file, maxDbs: 16 });
    keepFromChildren(file);
    const journal = new Journal(root);
    const table = <Value>(name: string) => new Table<Value>(root, name, journal);
    this.#root = root;
    this.#journal = journal;
    this.namespaces = table('namespaces');
    this.content = table('content');
    this.ingests = table('ingests');
    this.images = table('images');
    this.containers = table('containers');
    this.snapshots = table('snapshots');
    this.leases = table('leases');
    this.exits = table('exits');
    this.#counters = table('counters');
  }

  /** Runs `action` as one change. What it throws undoes it. */
  change<Result>(action: () => Result): Result {
    return this.#journal.change(action);
  }

  /** Resolves when every change so far is on the disk; undefined when that is so already. */
  settled(): Promise<void> | undefined {
    return this.#journal.settled();
  }

  /** A number never given before under `name`, from 1, once the change has settled. Within {@link change} only. */
  next(name: string): number {
    const value = (this.#counters.get('', name) ?? 0) + 1;
    this.#counters.put('', name, value);
    return value;
  }

  async close(): Promise<void> {
    await this.settled();
    await this.#root.close();
  }
}

/** LMDB opens its files without O_CLOEXEC; a shim, which outlives us by far, must not hold them. */
function keepFromChildren(file: string): void {
  for (const name of fs.readdirSync('/proc/self/fd')) {
    let target: string;
    try {
      target = fs.readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      continue; // the descriptor that listed the folder
    }
    if (target === file || target === `${file}-lock`) setCloseOnExec(Number(name));
  }
}
