/** The 512-byte header block of tar: ustar, GNU, star and the old V7 form. */
import { StackError } from '#spec/errors';
import type { Timespec } from '#lib/sys/file';
import type { ByteString } from './tar-entry.ts';

export const blockSize = 512;

/** A header block taken apart; extended headers that came before it are applied later. */
export interface TarHeader {
  /** Type flag, one character: `0` file, `5` directory, `x` pax header, `L` GNU long name, … */
  flag: string;
  name: ByteString;
  linkName: ByteString;
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  modificationTime: Timespec;
  deviceMajor: number;
  deviceMinor: number;
}

/** An archive that is not one, or not whole. */
export function malformed(reason: string): StackError {
  return new StackError('invalid_argument', `malformed tar archive: ${reason}`);
}

/** Takes a header block apart. Throws {@link malformed} for one with a wrong checksum or impossible numbers. */
export function parseHeader(block: Buffer): TarHeader {
  verifyChecksum(block);
  return {
    flag: block[156] === 0 ? '0' : text(block, 156, 1),
    name: prefixOf(block) + text(block, 0, 100),
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8, 'mode') & 0o7777,
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    sizeBytes: number(block, 124, 12, 'size'),
    modificationTime: { seconds: signedNumber(block, 136, 12, 'mtime'), nanoseconds: 0 },
    deviceMajor: number(block, 329, 8, 'device'),
    deviceMinor: number(block, 337, 8, 'device'),
  };
}

/** Whether a block holds nothing but zeros: two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.equals(zeroBlock);
}

/** A field of octal digits, or of base 256 where the first bit is set (GNU, for what octal cannot hold). */
export function number(block: Buffer, offset: number, length: number, field: string): number {
  const value = signedNumber(block, offset, length, field);
  if (value < 0) throw malformed(`${field} of a header is negative`);
  return value;
}

const zeroBlock = Buffer.alloc(blockSize);

function signedNumber(block: Buffer, offset: number, length: number, field: string): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) !== 0) return base256(block, offset, length, field);
  const digits = text(block, offset, length).trim();
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw malformed(`${field} of a header is not a number`);
  return Number.parseInt(digits, 8);
}

/** Two's complement, big endian, in all bits of the field but the first. */
function base256(block: Buffer, offset: number, length: number, field: string): number {
  const first = block[offset] ?? 0;
  let value = BigInt((first & 0x40) === 0 ? first & 0x7f : first - 0x100);
  for (let i = offset + 1; i < offset + length; i++) value = value * 256n + BigInt(block[i] ?? 0);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw malformed(`${field} of a header is too large`);
  return result;
}

/** The front part of a long name: ustar has 155 bytes for it, star 131, and GNU uses the space for other things. */
function prefixOf(block: Buffer): ByteString {
  if (text(block, 257, 8) !== 'ustar' || block[262] !== 0) return '';
  const isStar = text(block, 508, 4) === 'tar';
  const prefix = text(block, 345, isStar ? 131 : 155);
  return prefix === '' ? '' : `${prefix}/`;
}

/** The sum of all bytes, those of the checksum itself counted as spaces; some old programs summed signed bytes. */
function verifyChecksum(block: Buffer): void {
  const stored = number(block, 148, 8, 'checksum');
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < blockSize; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  if (stored !== unsigned && stored !== signed) throw malformed('checksum of a header is wrong');
}

/** A field up to its first zero byte. */
function text(block: Buffer, offset: number, length: number): ByteString {
  const zero = block.indexOf(0, offset);
  const end = zero < 0 || zero > offset + length ? offset + length : zero;
  return block.toString('latin1', offset, end);
}
