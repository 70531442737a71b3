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

export class Table<Value> {
  readonly #database: Database<Buffer, Buffer>;
  readonly #journal: Journal;
  readonly #entries = new Map<string, Entry<Value>>();
  /** All of them by key; undefined after one has come or gone. */
  #sorted: readonly Entry<Value>[] | undefined;

  constructor(root: RootDatabase, name: string, journal: Journal) {
    this.#database = root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' });
    this.#journal = journal;
    for (const { key, value } of this.#database.getRange({})) {
      const text = key.toString('utf8');
      const slash = text.indexOf('/');
      this.#entries.set(text, {
        namespace: text.slice(0, slash),
        name: text.slice(slash + 1),
        value: deserialize(value) as Value, // what put() wrote
      });
    }
  }

  get(namespace: string, name: string): Value | undefined {
    return this.#entries.get(`${namespace}/${name}`)?.value;
  }

  /** Within a change only. Throws invalid_argument for a name that is too long. */
  put(namespace: string, name: string, value: Value): void {
    const text = `${namespace}/${name}`;
    const key = keyOf(text, name);
    const bytes = serialize(value);
    this.#set(text, { namespace, name, value }, () => this.#database.put(key, bytes));
  }

  /** Within a change only. Returns whether it was there. */
  delete(namespace: string, name: string): boolean {
    const text = `${namespace}/${name}`;
    if (!this.#entries.has(text)) return false;
    const key = keyOf(text, name);
    this.#set(text, undefined, () => this.#database.remove(key));
    return true;
  }

  /** Names that begin with `prefix`, in order, with their values: a copy, safe against changes meanwhile. */
  list(namespace: string, prefix = ''): Entry<Value>[] {
    const start = `${namespace}/${prefix}`;
    const all = this.listAll();
    const from = firstIndex(all, (entry) => textOf(entry) >= start);
    const to = all.findIndex((entry, index) => index >= from && !textOf(entry).startsWith(start));
    return all.slice(from, to < 0 ? undefined : to);
  }

  /** Everything in every namespace. */
  listAll(): readonly Entry<Value>[] {
    this.#sorted ??= [...this.#entries.values()].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
    return this.#sorted;
  }

  #set(text: string, entry: Entry<Value> | undefined, write: () => unknown): void {
    const before = this.#entries.get(text);
    this.#journal.record({
      undo: () => this.#remember(text, before),
      write: () => void write(), // the transaction around it tells how it went
    });
    this.#remember(text, entry);
  }

  #remember(text: string, entry: Entry<Value> | undefined): void {
    if (entry) this.#entries.set(text, entry);
    else this.#entries.delete(text);
    this.#sorted = undefined;
  }
}

function textOf({ namespace, name }: Entry<unknown>): string {
  return `${namespace}/${name}`;
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

function keyOf(text: string, name: string): Buffer {
  const key = Buffer.from(text);
  if (key.length > maxKeyBytes) {
    throw new StackError('invalid_argument', `name "${name.slice(0, 60)}…" is too long`);
  }
  return key;
}
