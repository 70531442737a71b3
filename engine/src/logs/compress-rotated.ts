/** Turns `x.log.1`, `x.log.2`, … into `x.log.1.gz`, … one after the other, while the log goes on and rotates. */
import fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { errorCode } from '#spec/errors';
import { compressedName, isPresent, rotatedName } from './log-file.ts';

/** Those under way, by log: the next one goes on where they end. */
const underWay = new Map<string, Promise<void>>();

/** Compresses what is not compressed yet. Never rejects: a file that cannot be compressed stays as it is. */
export function compressRotated(path: string): Promise<void> {
  const next = (underWay.get(path) ?? Promise.resolve())
    .then(() => compressAll(path))
    .catch(() => undefined); // removed with its container, or no room: it can be read as it is
  underWay.set(path, next);
  void next.then(() => {
    if (underWay.get(path) === next) underWay.delete(path);
  });
  return next;
}

async function compressAll(path: string): Promise<void> {
  for (;;) {
    const index = firstUncompressed(path);
    if (index === undefined) return;
    const source = fs.openSync(rotatedName(path, index), 'r');
    const temporary = `${path}.compressing`;
    try {
      const { ino, atime, mtime } = fs.fstatSync(source);
      await pipeline(
        fs.createReadStream('', { fd: source, autoClose: false, start: 0 }),
        zlib.createGzip(),
        fs.createWriteStream(temporary, { mode: 0o640 }),
      );
      fs.utimesSync(temporary, atime, mtime); // tells readers when its last entry was written
      // Rotations meanwhile have given it another number, or none. No rotation comes in between here.
      const now = numberOf(path, ino);
      if (now === undefined) fs.rmSync(temporary);
      else {
        fs.renameSync(temporary, compressedName(path, now));
        fs.rmSync(rotatedName(path, now));
      }
    } finally {
      fs.closeSync(source);
    }
  }
}

function firstUncompressed(path: string): number | undefined {
  for (let index = 1; ; index++) {
    if (fs.existsSync(rotatedName(path, index))) return index;
    if (!isPresent(path, index) && !isPresent(path, index + 1)) return undefined; // one may be free
  }
}

function numberOf(path: string, inode: number): number | undefined {
  for (let index = 1; ; index++) {
    const found = inodeOf(rotatedName(path, index));
    if (found === inode) return index;
    if (!isPresent(path, index) && !isPresent(path, index + 1)) return undefined;
  }
}

function inodeOf(file: string): number | undefined {
  try {
    return fs.statSync(file).ino;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
