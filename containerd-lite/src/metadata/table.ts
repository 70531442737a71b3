/**
 * One kind of object in the metadata database; names are looked up within a namespace. Keys are UTF-8,
 * `<namespace>/<name>`, and values V8's own serialization, which every later V8 reads; both pass through LMDB as bytes.
 */
import { deserialize, serialize } from 'node:v8';
import type { Database, RootDatabase } from 'lmdb';
import { StackError } from '#spec/errors';
import type { Journal } from './journal.ts';

/** Longest key in bytes; LMDB itself ends at 1978. */
const maxKeyBytes = 1900;

export interface Entry<Value> {
  readonly namespace: string;
  readonly name: string;
  /** Not to be changed: {@link Table.put} takes another one. */
  readonly value: Value;
}

interface KeyedEntry<Value> extends Entry<Value> {
  /** `<namespace>/<name>`, in UTF-16: the order of lists. */
  readonly key: string;
}

export class Table<Value> {
  readonly #database: Database<Buffer, Buffer>;
  readonly #journal: Journal;
  readonly #entries = new Map<string, KeyedEntry<Value>>();
  /** All of them by key. */
  readonly #sorted: KeyedEntry<Value>[];

  constructor(root: RootDatabase, name: string, journal: Journal) {
    this.#database = root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' });
    this.#journal = journal;
    for (const { key: bytes, value } of this.#database.getRange({})) {
      const key = bytes.toString('utf8');
      const slash = key.indexOf('/');
      this.#entries.set(key, {
        key,
        namespace: key.slice(0, slash),
        name: key.slice(slash + 1),
        value: deserialize(value) as Value, // what put() wrote
      });
    }
    this.#sorted = [...this.#entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  get(namespace: string, name: string): Value | undefined {
    return this.#entries.get(`${namespace}/${name}`)?.value;
  }

  /** Within a change only. Throws invalid_argument for a name that is too long. */
  put(namespace: string, name: string, value: Value): void {
    const key = `${namespace}/${name}`;
    const keyBytes = bytesOf(key, name);
    const bytes = serialize(value);
    this.#set(key, { key, namespace, name, value }, () => this.#database.put(keyBytes, bytes));
  }

  /** Within a change only. Returns whether it was there. */
  delete(namespace: string, name: string): boolean {
    const key = `${namespace}/${name}`;
    if (!this.#entries.has(key)) return false;
    const keyBytes = bytesOf(key, name);
    this.#set(key, undefined, () => this.#database.remove(keyBytes));
    return true;
  }

  /** Names that begin with `prefix`, in order, with their values: a copy, safe against changes meanwhile. */
  list(namespace: string, prefix = ''): Entry<Value>[] {
    const start = `${namespace}/${prefix}`;
    const all = this.#sorted;
    const from = firstIndex(all, ({ key }) => key >= start);
    const to = firstIndex(all, ({ key }) => key > start && !key.startsWith(start));
    return all.slice(from, to);
  }

  /** Everything in every namespace: a copy as well. */
  listAll(): Entry<Value>[] {
    return [...this.#sorted];
  }

  #set(key: string, entry: KeyedEntry<Value> | undefined, write: () => unknown): void {
    const before = this.#entries.get(key);
    this.#journal.record({
      undo: () => this.#remember(key, before),
      write: () => void write(), // the transaction around it tells how it went
    });
    this.#remember(key, entry);
  }

  #remember(key: string, entry: KeyedEntry<Value> | undefined): void {
    const index = firstIndex(this.#sorted, (other) => other.key >= key);
    const replaced = this.#entries.has(key) ? 1 : 0;
    if (entry) {
      this.#sorted.splice(index, replaced, entry);
      this.#entries.set(key, entry);
    } else {
      this.#sorted.splice(index, replaced);
      this.#entries.delete(key);
    }
  }
}

/** Index of the first element of a sorted list that `holds`, which holds of all that follow; its length if there is none. */
function firstIndex<T>(sorted: readonly T[], holds: (element: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const element = sorted[middle];
    if (element !== undefined && holds(element)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function bytesOf(text: string, name: string): Buffer {
  const key = Buffer.from(text);
  if (key.length > maxKeyBytes) {
    throw new StackError('invalid_argument', `name "${name.slice(0, 60)}…" is too long`);
  }
  return key;
}
