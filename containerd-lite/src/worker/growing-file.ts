/// <reference lib="es2024.sharedmemory" />
/**
 * A file that one thread reads while another one writes it. They share three numbers: how many bytes are there, whether
 * more will come, and how often the two have changed, which is what a reader waits on.
 */
import fs from 'node:fs';
import { StackError } from '#spec/errors';

/** Passed to the reading thread. */
export interface GrowingFile {
  /** Open for reading; belongs to the writer, which closes it after the reader is done. */
  fd: number;
  shared: SharedArrayBuffer;
}

const bytesIndex = 0;
const stateIndex = 1;
const changesIndex = 2;
const growing = 0n;
const complete = 1n;
const failed = 2n;

/** Bytes read at once. */
const readChunkBytes = 1024 * 1024;

/** The writer's side. */
export class FileGrowth {
  readonly file: GrowingFile;
  readonly #view: BigInt64Array;

  constructor(fd: number) {
    const shared = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT);
    this.file = { fd, shared };
    this.#view = new BigInt64Array(shared);
  }

  /** The file has `bytes` bytes now. */
  reach(bytes: number): void {
    this.#set(bytesIndex, BigInt(bytes));
  }

  /** It will not grow any more. */
  end(): void {
    this.#set(stateIndex, complete);
  }

  /** It stays incomplete: the reader fails. */
  fail(): void {
    this.#set(stateIndex, failed);
  }

  #set(index: number, value: bigint): void {
    Atomics.store(this.#view, index, value);
    Atomics.add(this.#view, changesIndex, 1n);
    Atomics.notify(this.#view, changesIndex);
  }
}

/** The reader's side: the content from its start to its end, as it comes. Throws cancelled when the writer fails. */
export async function* readGrowing({ fd, shared }: GrowingFile): AsyncGenerator<Buffer> {
  const view = new BigInt64Array(shared);
  for (let position = 0; ;) {
    const changes = Atomics.load(view, changesIndex);
    const state = Atomics.load(view, stateIndex);
    const available = Number(Atomics.load(view, bytesIndex)) - position;
    if (state === failed) throw new StackError('cancelled', 'the file will not be completed');
    if (available > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(readChunkBytes, available));
      const bytesRead = fs.readSync(fd, chunk, 0, chunk.length, position);
      if (bytesRead === 0) throw new StackError('data_loss', `the file ended at ${position}`);
      position += bytesRead;
      yield chunk.subarray(0, bytesRead);
    } else if (state !== growing) return;
    else await Atomics.waitAsync(view, changesIndex, changes).value;
  }
}
