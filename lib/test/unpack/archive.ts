/** Writes tar archives for tests, byte by byte, so that they can say what no archiver would. */
import { getgid, getuid } from 'node:process';

export interface ArchiveEntry {
  name: string;
  /** Type flag; `0` (file) without it. */
  flag?: string;
  content?: string | Buffer;
  linkName?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  device?: [major: number, minor: number];
  /** Size in the header, where it is to differ from the content's. */
  size?: number;
  /** Records of a pax header written in front. */
  pax?: Record<string, string | Buffer>;
  /** Changes the header before its checksum is computed. */
  tweak?: (header: Buffer) => void;
}

/** A whole archive with the blocks that end it. */
export function archive(...entries: ArchiveEntry[]): Buffer {
  return Buffer.concat([...entries.map(entryBytes), Buffer.alloc(1024)]);
}

export function entryBytes(entry: ArchiveEntry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const pax = Object.entries(entry.pax ?? {});
  const extension =
    pax.length === 0
      ? []
      : [entryBytes({ name: 'pax', flag: 'x', content: Buffer.concat(pax.map(record)) })];
  return Buffer.concat([...extension, header(entry, content.length), padded(content)]);
}

function header(entry: ArchiveEntry, length: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, offset: number, width: number) =>
    block.write(value.toString(8).padStart(width - 1, '0'), offset, 'latin1');
  block.write(entry.name.slice(0, 100), 0, 'latin1');
  octal(entry.mode ?? 0o644, 100, 8);
  octal(entry.uid ?? getuid?.() ?? 0, 108, 8);
  octal(entry.gid ?? getgid?.() ?? 0, 116, 8);
  octal(entry.size ?? length, 124, 12);
  octal(entry.mtime ?? 1_600_000_000, 136, 12);
  block.write(entry.flag ?? '0', 156, 'latin1');
  block.write((entry.linkName ?? '').slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(entry.device?.[0] ?? 0, 329, 8);
  octal(entry.device?.[1] ?? 0, 337, 8);
  entry.tweak?.(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** `length key=value\n`, where the length counts its own digits. */
function record([key, value]: [string, string | Buffer]): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = body.length;
  while (String(length).length + body.length !== length) {
    length = String(length).length + body.length;
  }
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
