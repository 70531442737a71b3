/** The files of a log with its rotations, read in order and on as they grow. */
import { EventEmitter, once } from 'node:events';
import { LogSource } from './log-source.ts';

const blockBytes = 256 * 1024;

/** Says when a log has grown, and when it will not any more. */
export interface LogGrowth {
  /** Whether somebody still writes to it. */
  readonly isActive: boolean;
  /** Changes with every append and at the end. */
  readonly version: number;
  /** How often a new file was begun. */
  readonly rotations: number;
  /** Resolves when `version` is not `seen` any more, or when `signal` aborts. */
  next(seen: number, signal: AbortSignal): Promise<void>;
}

/** Wakes the readers of one log. */
export class Growth implements LogGrowth {
  readonly #file: { readonly rotations: number };
  readonly #events = new EventEmitter().setMaxListeners(0);
  #active = true;
  #version = 0;

  /** `file` is whoever counts the rotations. */
  constructor(file: { readonly rotations: number }) {
    this.#file = file;
  }

  get isActive(): boolean {
    return this.#active;
  }

  get version(): number {
    return this.#version;
  }

  get rotations(): number {
    return this.#file.rotations;
  }

  announce(): void {
    this.#version++;
    this.#events.emit('change');
  }

  end(): void {
    this.#active = false;
    this.announce();
  }

  async next(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#version !== seen || signal.aborted) return;
    await once(this.#events, 'change', { signal }).catch(() => undefined); // aborted
  }
}

export interface FilePosition {
  /** Index into the list of files. */
  file: number;
  offset: number;
}

/** The files of a log, opened at once, so that a rotation meanwhile changes nothing; and those that come after them. */
export class LogFiles {
  /** Oldest first. */
  readonly opened: LogSource[] = [];
  readonly growth: LogGrowth | undefined;
  readonly #path: string;
  /** Where the newest file ends for those who do not follow: what comes later is not theirs, however slow they read. */
  readonly end: number;
  /** How often the log had rotated when the last of `opened` was the newest. */
  #generation: number;

  constructor(path: string, growth: LogGrowth | undefined) {
    this.#path = path;
    this.growth = growth;
    this.#generation = growth?.rotations ?? 0;
    for (let index = 0, missing = 0; missing < 2; index++) {
      const file = LogSource.open(path, index);
      // A SIGKILL amid the renaming of a rotation leaves one number free, until the next rotation.
      missing = file ? 0 : missing + 1;
      if (file) this.opened.unshift(file);
    }
    this.end = growth ? Infinity : (this.opened.at(-1)?.currentSize ?? 0);
  }

  /** Opens the file after the last one; false if that was still the newest when the log had rotated `seen` times. */
  openNext(seen: number): boolean {
    if (!this.growth || seen === this.#generation) return false;
    const { rotations } = this.growth;
    // The next one may be gone as well, if much was written meanwhile: then go on with the oldest that is left.
    for (let index = rotations - this.#generation - 1; index >= 0; index--) {
      const file = LogSource.open(this.#path, index);
      if (!file) continue;
      this.opened.push(file);
      this.#generation = rotations - index;
      return true;
    }
    return false;
  }

  async close(): Promise<void> {
    for (const file of this.opened) await file.close();
  }
}

/** Whole entries from `start` on. */
export async function* readEntries<T>(
  files: LogFiles,
  decode: (block: Buffer) => { entries: T[]; length: number },
  start: FilePosition,
  signal: AbortSignal,
): AsyncGenerator<T[]> {
  let { offset } = start;
  for (let index = start.file; index < files.opened.length; index++) {
    const file = files.opened[index];
    if (!file) return;
    let rest: Buffer = Buffer.alloc(0);
    while (!signal.aborted) {
      // Asked before reading: what was appended before the end is then read before the end.
      const { isActive = false, version = 0, rotations = 0 } = files.growth ?? {};
      const size = await file.size();
      const end = file === files.opened.at(-1) ? Math.min(size, files.end) : size;
      const available = Math.min(blockBytes, end - offset);
      const block = Buffer.allocUnsafe(Math.max(0, available));
      const length = available > 0 ? await file.read(block, offset) : 0;
      if (length > 0) {
        offset += length;
        const read = block.subarray(0, length);
        const bytes = rest.length === 0 ? read : Buffer.concat([rest, read]);
        const decoded = decode(bytes);
        rest = bytes.subarray(decoded.length);
        if (decoded.entries.length > 0) yield decoded.entries;
        continue;
      }
      if (index < files.opened.length - 1 || files.openNext(rotations)) break;
      if (!isActive) return;
      await files.growth?.next(version, signal);
    }
    offset = 0;
  }
}
