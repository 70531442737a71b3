/** What pax records change about the entry they precede. */
import { paxNumber, paxPath, paxTime, type PaxRecord } from './pax.ts';
import { malformed } from './tar-header.ts';
import type { TarEntry } from './tar-entry.ts';

/** Extended attributes as Linux archivers write them: the attribute's name behind this, its raw value. */
const xattrPrefix = 'SCHILY.xattr.';

type Change = (entry: TarEntry, record: PaxRecord) => void;

/** Keys that mean something to a layer; others (comments, user names, character sets) do not. */
const changes: Readonly<Record<string, Change>> = {
  path: (entry, record) => (entry.name = paxPath(record)),
  linkpath: (entry, record) => (entry.linkName = paxPath(record)),
  size: (entry, record) => (entry.sizeBytes = paxNumber(record)),
  uid: (entry, record) => (entry.uid = paxNumber(record)),
  gid: (entry, record) => (entry.gid = paxNumber(record)),
  mtime: (entry, record) => (entry.modificationTime = paxTime(record)),
  atime: (entry, record) => (entry.accessTime = paxTime(record)),
  // The name in the header is one made up for readers that know no sparse files.
  'GNU.sparse.name': (entry, record) => (entry.name = paxPath(record)),
};

/** `entry` with the records applied in order; an empty value takes an earlier one back. Throws {@link malformed}. */
export function applyPaxRecords(entry: TarEntry, records: readonly PaxRecord[]): TarEntry {
  if (records.length === 0) return entry;
  const xattrs = new Map<string, Buffer>();
  const result: TarEntry = { ...entry, xattrs };
  // GNU.sparse.name overrules path, whichever comes first.
  const ordered = [...records].sort((a, b) => rank(a) - rank(b));
  for (const record of ordered) {
    if (record.key.startsWith(xattrPrefix)) {
      xattrs.set(record.key.slice(xattrPrefix.length), record.value);
    } else if (record.value.length > 0 && Object.hasOwn(changes, record.key)) {
      changes[record.key]?.(result, record);
    }
  }
  if (result.uid > 0xffffffff || result.gid > 0xffffffff) throw malformed('owner is out of range');
  return result;
}

function rank({ key }: PaxRecord): number {
  return key === 'GNU.sparse.name' ? 1 : 0;
}
