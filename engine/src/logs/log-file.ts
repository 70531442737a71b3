/** The file that a container's log is appended to, with docker's rotation: `x.log`, `x.log.1`, `x.log.2.gz`, … */
import fs from 'node:fs';
import { errorCode } from '#spec/errors';
import { compressRotated } from './compress-rotated.ts';
import type { RotationOptions } from './file-options.ts';

export class LogFile {
  readonly #path: string;
  readonly #rotation: RotationOptions;
  #fd: number;
  #size: number;
  #rotations = 0;

  constructor(path: string, rotation: RotationOptions) {
    this.#path = path;
    this.#rotation = rotation;
    this.#fd = fs.openSync(path, 'a', 0o640);
    this.#size = fs.fstatSync(this.#fd).size;
    if (rotation.compress) void compressRotated(path); // what an earlier run has left
  }

  get size(): number {
    return this.#size;
  }

  /** How often a new file was begun. */
  get rotations(): number {
    return this.#rotations;
  }

  /** Takes back what was appended after `size`; a file that is shorter (just rotated) stays as it is. */
  truncate(size: number): void {
    if (size >= this.#size) return;
    fs.ftruncateSync(this.#fd, size);
    this.#size = size;
  }

  /** Whether the file has reached its size and the next append belongs into a new one. */
  get isFull(): boolean {
    return this.#size >= this.#rotation.maxSizeBytes;
  }

  /** Whether the file is not full after `length` bytes more, either. */
  hasRoomFor(length: number): boolean {
    return this.#size + length < this.#rotation.maxSizeBytes;
  }

  append(bytes: Buffer): void {
    for (let written = 0; written < bytes.length;) {
      written += fs.writeSync(this.#fd, bytes, written);
    }
    this.#size += bytes.length;
  }

  /** Begins a new file; the oldest is given up where there are `maxFiles`. Readers of the old one keep it. */
  rotate(): void {
    const { compress } = this.#rotation;
    const room = this.#makeRoom();
    for (let index = room; index >= 1; index--) {
      renameIfPresent(rotatedName(this.#path, index - 1), rotatedName(this.#path, index));
      renameIfPresent(compressedName(this.#path, index - 1), compressedName(this.#path, index));
    }
    fs.closeSync(this.#fd);
    this.#fd = fs.openSync(this.#path, 'a', 0o640);
    this.#size = 0;
    this.#rotations++;
    if (compress) void compressRotated(this.#path);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  /** The first number that no file has: after a SIGKILL amid the renaming one below the oldest is free. */
  #makeRoom(): number {
    const last = this.#rotation.maxFiles - 1;
    for (let index = 1; index < last; index++) {
      if (!isPresent(this.#path, index)) return index;
    }
    removeIfPresent(rotatedName(this.#path, last));
    removeIfPresent(compressedName(this.#path, last));
    return last;
  }
}

/** Whether the log has a file with that number, compressed or not. */
export function isPresent(path: string, index: number): boolean {
  return fs.existsSync(rotatedName(path, index)) || fs.existsSync(compressedName(path, index));
}

/** `x.log.2` for 2, `x.log` for 0. */
export function rotatedName(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
}

/** `x.log.2.gz` for 2. */
export function compressedName(path: string, index: number): string {
  return `${rotatedName(path, index)}.gz`;
}

function renameIfPresent(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function removeIfPresent(file: string): void {
  fs.rmSync(file, { force: true });
}
