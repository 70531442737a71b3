/**
 * The image in which criu keeps the mounts of a namespace (criu's images/mnt.proto): two magic numbers, then for each
 * mount its length and a protobuf message `mnt_entry`.
 */
import { decodeMessage, type Schema } from '#lib/criu/wire';
import { mountFlags } from '#lib/sys/flags';
import { StackError } from '#spec/errors';

/** IMG_COMMON_MAGIC and MNTS_MAGIC of criu's magic.h. */
const magic = [0x54564319, 0x55563928] as const;
const headerSize = 8;

const mountEntry = {
  flags: { number: 5, type: 'int' },
  mountpoint: { number: 7, type: 'text' },
} as const satisfies Schema;

/** Takes MS_RDONLY from the root mount, in place: the lowest bit of a varint, whose length stays. */
export function clearReadOnlyRoot(image: Buffer): void {
  if (image.length < headerSize || magic.some((word, at) => image.readUInt32LE(4 * at) !== word)) {
    throw new StackError('invalid_argument', 'the image of the mounts has an unknown format');
  }
  for (let at = headerSize; at + 4 <= image.length;) {
    const length = image.readUInt32LE(at);
    const entry = image.subarray(at + 4, at + 4 + length);
    const { flags = 0, mountpoint = '' } = decodeMessage(mountEntry, entry);
    if (/^\.?\/$/.test(mountpoint) && (flags & mountFlags.MS_RDONLY) !== 0) {
      const position = flagsPosition(entry);
      entry.writeUInt8(entry.readUInt8(position) & ~mountFlags.MS_RDONLY, position);
    }
    at += 4 + length;
  }
}

/** Where the value of `flags` begins. The fields before it are varints, too. */
function flagsPosition(entry: Buffer): number {
  let at = 0;
  while (entry.readUInt8(at) !== mountEntry.flags.number << 3) {
    do at += 1;
    while (entry.readUInt8(at) > 0x7f);
    at += 1;
  }
  return at + 1;
}
