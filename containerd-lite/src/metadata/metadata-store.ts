/**
 * The metadata database: one LMDB file with one table per kind of object, keys `<namespace>/<name>`.
 *
 * Every change is one synchronous write transaction: what it checks cannot change before what it writes, a throw
 * undoes all of it, and LMDB has flushed it to the disk when it returns. So an answered change survives SIGKILL
 * and power loss, and two requests never interleave inside a change.
 */
import fs from 'node:fs';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { open, type Database, type RootDatabase } from 'lmdb';
import { StackError } from '#spec/errors';
import { setCloseOnExec } from '#lib/sys/descriptor';
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { Container } from '#proto/generated/containerd.services.containers.v1';
import type { Image } from '#proto/generated/containerd.services.images.v1';

/** Longest key in bytes; LMDB itself ends at 1978. */
const maxKeyBytes = 1900;

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

/**
 * One kind of object; names are looked up within a namespace. Keys are UTF-8 and values V8's own serialization, which
 * every later V8 reads; both pass through LMDB as bytes.
 */
export class Table<Value> {
  readonly #database: Database<Buffer, Buffer>;

  constructor(root: RootDatabase, name: string) {
    this.#database = root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' });
  }

  get(namespace: string, name: string): Value | undefined {
    const bytes = this.#database.get(keyOf(namespace, name));
    return bytes && this.#decode(bytes);
  }

  /** Within {@link MetadataStore.change} only. */
  put(namespace: string, name: string, value: Value): void {
    this.#database.putSync(keyOf(namespace, name), serialize(value));
  }

  /** Within {@link MetadataStore.change} only. */
  delete(namespace: string, name: string): boolean {
    return this.#database.removeSync(keyOf(namespace, name));
  }

  /** Names that begin with `prefix`, in order, with their values: a copy, safe against changes meanwhile. */
  list(namespace: string, prefix = ''): { name: string; value: Value }[] {
    const start = keyOf(namespace, prefix);
    const end = Buffer.concat([start, Buffer.from([0xff])]); // above every byte of UTF-8
    return this.#entries({ start, end });
  }

  /** Everything in every namespace. */
  listAll(): { namespace: string; name: string; value: Value }[] {
    return this.#entries({});
  }

  #entries(range: { start?: Buffer; end?: Buffer }) {
    return Array.from(this.#database.getRange(range), ({ key, value }) => {
      const text = key.toString('utf8');
      const slash = text.indexOf('/');
      return {
        namespace: text.slice(0, slash),
        name: text.slice(slash + 1),
        value: this.#decode(value),
      };
    });
  }

  #decode(bytes: Buffer): Value {
    return deserialize(bytes) as Value; // what put() wrote
  }
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

  /** Opens, and where needed creates, the database in `directory`. The caller holds the directory's lock. */
  constructor(directory: string) {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = path.join(fs.realpathSync(directory), 'meta.lmdb');
    this.#root = open({ path: file, maxDbs: 16 });
    keepFromChildren(file);
    const table = <Value>(name: string) => new Table<Value>(this.#root, name);
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

  /** Runs `action` as one transaction that is on disk when this returns. What it throws undoes it. */
  change<Result>(action: () => Result): Result {
    return this.#root.transactionSync(action);
  }

  /** A number never given before under `name`, from 1. Within {@link change} only. */
  next(name: string): number {
    const value = (this.#counters.get('', name) ?? 0) + 1;
    this.#counters.put('', name, value);
    return value;
  }

  async close(): Promise<void> {
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

function keyOf(namespace: string, name: string): Buffer {
  const key = Buffer.from(`${namespace}/${name}`);
  if (key.length > maxKeyBytes) {
    throw new StackError('invalid_argument', `name "${name.slice(0, 60)}…" is too long`);
  }
  return key;
}
