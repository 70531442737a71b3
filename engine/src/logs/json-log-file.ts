/** The file that a container's log is appended to, with docker's rotation: `x.log`, `x.log.1`, … */
import fs from 'node:fs';
import { StackError, errorCode } from '#spec/errors';

export interface RotationOptions {
  /** Bytes after which a new file is begun; Infinity is never. */
  maxSizeBytes: number;
  /** How many files are kept, the current one included. */
  maxFiles: number;
}

/** Reads docker's options `max-size` (`10m`) and `max-file`. Throws invalid_argument. */
export function parseRotation(options: Readonly<Record<string, string>>): RotationOptions {
  const { 'max-size': size = '-1', 'max-file': files = '1' } = options;
  const [, digits, unit = ''] = /^(\d+)([kmg]?)b?$/i.exec(size) ?? [];
  const multiplier = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()];
  const maxSizeBytes = size === '-1' ? Infinity : Number(digits) * (multiplier ?? NaN);
  if (!(maxSizeBytes > 0)) {
    throw new StackError('invalid_argument', `invalid value for log option "max-size": "${size}"`);
  }
  const maxFiles = Number(files);
  if (!/^\d+$/.test(files) || maxFiles < 1) {
    throw new StackError('invalid_argument', `invalid value for log option "max-file": "${files}"`);
  }
  if (maxFiles > 1 && maxSizeBytes === Infinity) {
    throw new StackError('invalid_argument', 'log option "max-file" needs "max-size"');
  }
  return { maxSizeBytes, maxFiles };
}

export class JsonLogFile {
  readonly #path: string;
  readonly #rotation: RotationOptions;
  #fd: number;
  #size: number;

  constructor(path: string, rotation: RotationOptions) {
    this.#path = path;
    this.#rotation = rotation;
    this.#fd = fs.openSync(path, 'a', 0o640);
    this.#size = fs.fstatSync(this.#fd).size;
  }

  get size(): number {
    return this.#size;
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

  /** Whether the file is not full after `text`, either. */
  hasRoomFor(text: string): boolean {
    const { maxSizeBytes } = this.#rotation;
    return maxSizeBytes === Infinity || this.#size + Buffer.byteLength(text) < maxSizeBytes;
  }

  append(text: string): void {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length;) {
      written += fs.writeSync(this.#fd, bytes, written);
    }
    this.#size += bytes.length;
  }

  /** Begins a new file; the oldest is given up. */
  rotate(): void {
    const { maxFiles } = this.#rotation;
    if (maxFiles === 1) {
      fs.ftruncateSync(this.#fd, 0);
    } else {
      for (let index = maxFiles - 1; index >= 1; index--) {
        renameIfPresent(rotatedName(this.#path, index - 1), rotatedName(this.#path, index));
      }
      fs.closeSync(this.#fd);
      this.#fd = fs.openSync(this.#path, 'a', 0o640);
    }
    this.#size = 0;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

/** `x.log.2` for 2, `x.log` for 0. */
export function rotatedName(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
}

function renameIfPresent(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
