/** Headers of tar archives: ustar, with a pax header in front where ustar cannot say something exactly. */
import type { Timespec } from '#lib/sys/file';
import { blockSize } from '#lib/unpack/tar-header';
import type { ByteString, TarEntry, TarEntryType } from '#lib/unpack/tar-entry';

const flagByType: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/** Bytes of the name and link name fields. */
const nameBytes = 100;
/** What octal digits hold: seven for owners, eleven for sizes and times. */
const largestOwner = 0o7777777;
const largestNumber = 0o77777777777;
/** Attributes in the form that Go's, GNU's and libarchive's readers share. */
const xattrPrefix = 'SCHILY.xattr.';

/** Records of a pax header; values are raw bytes. */
export type PaxRecords = ReadonlyMap<string, string | Buffer>;

/**
 * The blocks in front of an entry's content. The same entry gives the same bytes. `more` are pax records that the entry
 * itself does not hold; an own `name` for old readers may differ from a record that overrules it.
 */
export function headerOf(entry: TarEntry, more: PaxRecords = new Map()): Buffer {
  const records = new Map([...paxRecordsOf(entry), ...more]);
  if (records.size === 0) return ustarHeader(entry);
  const content = encodeRecords(records);
  const base = entry.name.replace(/\/$/, '').split('/').pop() ?? '';
  const extension = header('x', {
    ...entry,
    name: `PaxHeaders.0/${base}`.slice(0, nameBytes),
    linkName: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: content.length,
    modificationTime: { seconds: 0, nanoseconds: 0 },
    device: { major: 0, minor: 0 },
  });
  return Buffer.concat([extension, content, paddingAfter(content.length), ustarHeader(entry)]);
}

/** Two blocks of zeros. */
export const endOfArchive = Buffer.alloc(2 * blockSize);

/** The zeros that fill the last block of some content. */
export function paddingAfter(sizeBytes: number): Buffer {
  return endOfArchive.subarray(0, (blockSize - (sizeBytes % blockSize)) % blockSize);
}

function paxRecordsOf(entry: TarEntry): Map<string, string | Buffer> {
  const { name, linkName, uid, gid, sizeBytes, modificationTime: time } = entry;
  const records = new Map<string, string | Buffer>();
  if (!fits(name)) records.set('path', Buffer.from(name, 'latin1'));
  if (!fits(linkName)) records.set('linkpath', Buffer.from(linkName, 'latin1'));
  if (uid > largestOwner) records.set('uid', String(uid));
  if (gid > largestOwner) records.set('gid', String(gid));
  if (sizeBytes > largestNumber) records.set('size', String(sizeBytes));
  if (time.nanoseconds !== 0 || time.seconds < 0 || time.seconds > largestNumber) {
    records.set('mtime', decimalTime(time));
  }
  for (const [key, value] of entry.xattrs) records.set(`${xattrPrefix}${key}`, value);
  return records;
}

/** Whether the ustar field can hold it: what is not ASCII goes into a pax record, where readers expect it. */
function fits(name: ByteString): boolean {
  return name.length <= nameBytes && !/[^\x01-\x7f]/.test(name);
}

/** `-1.5` for one and a half seconds before 1970, which the kernel stores as -2 and 500000000. */
function decimalTime({ seconds, nanoseconds }: Timespec): string {
  const isNegative = seconds < 0;
  const borrowed = isNegative && nanoseconds > 0;
  const whole = Math.abs(borrowed ? seconds + 1 : seconds);
  const fraction = String(borrowed ? 1e9 - nanoseconds : nanoseconds).padStart(9, '0');
  const digits = nanoseconds === 0 ? '' : `.${fraction.replace(/0+$/, '')}`;
  return `${isNegative ? '-' : ''}${whole}${digits}`;
}

/** `length key=value\n` each, by key; the length counts its own digits. */
function encodeRecords(records: PaxRecords): Buffer {
  const sorted = [...records].sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat(
    sorted.map(([key, value]) => {
      const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
      let length = body.length + 1;
      while (String(length).length + body.length > length) length++;
      return Buffer.concat([Buffer.from(String(length)), body]);
    }),
  );
}

function ustarHeader(entry: TarEntry): Buffer {
  return header(flagByType[entry.type], entry);
}

function header(flag: string, entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, offset: number, width: number) => {
    // What does not fit stands in a pax record.
    const digits = value.toString(8);
    if (value >= 0 && digits.length < width)
      block.write(digits.padStart(width - 1, '0'), offset, 'latin1');
    else block.fill('0', offset, offset + width - 1);
  };
  block.write(entry.name.slice(0, nameBytes), 0, 'latin1');
  octal(entry.mode, 100, 8);
  octal(entry.uid, 108, 8);
  octal(entry.gid, 116, 8);
  octal(entry.sizeBytes, 124, 12);
  octal(entry.modificationTime.seconds, 136, 12);
  block.write(flag, 156, 'latin1');
  block.write(entry.linkName.slice(0, nameBytes), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(entry.device.major, 329, 8);
  octal(entry.device.minor, 337, 8);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
