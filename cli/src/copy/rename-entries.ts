/** Gives the first name of everything in an archive another: what `cp a b` does where `b` is to be the copy itself. */
import { encodeSparseMap } from '#lib/pack/file-content';
import { endOfArchive, headerOf, paddingAfter, type PaxRecords } from '#lib/pack/tar-writer';
import type { ByteString, TarEntry } from '#lib/unpack/tar-entry';
import { TarReader } from '#lib/unpack/tar-reader';

/** Names in `rename` are text; those in an archive are bytes. */
export async function* renameEntries(
  archive: AsyncIterable<Buffer>,
  rename: { from: string; to: string },
): AsyncGenerator<Buffer> {
  const renamed = (name: ByteString): ByteString =>
    renameFirst(name, { from: bytes(rename.from), to: bytes(rename.to) });
  let pieces: Buffer[] = [];
  let padding: Buffer = endOfArchive.subarray(0, 0);
  const reader = new TarReader({
    entry(entry) {
      const isLink = entry.type === 'link';
      const written = {
        ...entry,
        name: renamed(entry.name),
        linkName: isLink ? renamed(entry.linkName) : entry.linkName,
      };
      const start = startOf(written);
      pieces.push(...start.pieces);
      padding = paddingAfter(start.sizeBytes);
    },
    content(content) {
      pieces.push(Buffer.from(content)); // valid during the call only
    },
    end() {
      pieces.push(padding);
    },
  });
  for await (const chunk of archive) {
    reader.write(chunk);
    yield Buffer.concat(pieces);
    pieces = [];
  }
  reader.end();
  yield Buffer.concat([...pieces, endOfArchive]);
}

/** The content of a directory (`.` or `/`) comes as `./a` or `a`, depending on who packed it. */
function renameFirst(name: ByteString, { from, to }: { from: ByteString; to: ByteString }) {
  if (from === '.' || from === '/') {
    const rest = name.replace(/^\.?\/+/, '');
    return rest === '' || rest === '.' ? `${to}/` : `${to}/${rest}`;
  }
  return name === from || name.startsWith(`${from}/`) ? to + name.slice(from.length) : name;
}

/** What stands before an entry's content, and how many bytes stand in the archive in all. */
function startOf(entry: TarEntry): { pieces: Buffer[]; sizeBytes: number } {
  const { sparse } = entry;
  if (!sparse) return { pieces: [headerOf(entry)], sizeBytes: entry.sizeBytes };
  const map = encodeSparseMap(sparse);
  const dataBytes = sparse.segments.reduce((total, { length }) => total + length, 0);
  const records: PaxRecords = new Map<string, string | Buffer>([
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', Buffer.from(entry.name, 'latin1')],
    ['GNU.sparse.realsize', String(sparse.fileSizeBytes)],
  ]);
  const sizeBytes = map.length + dataBytes;
  return { pieces: [headerOf({ ...entry, sizeBytes }, records), map], sizeBytes };
}

function bytes(name: string): ByteString {
  return Buffer.from(name).toString('latin1');
}
