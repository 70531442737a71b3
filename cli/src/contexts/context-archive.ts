/** A context as a tar archive: `meta.json`, and below `tls/` its certificates and key. docker's command line reads it too. */
import { endOfArchive, headerOf, paddingAfter } from '#lib/pack/tar-writer';
import { TarReader } from '#lib/unpack/tar-reader';
import type { TarEntry } from '#lib/unpack/tar-entry';
import { StackError, isStackError } from '#spec/errors';
import { goJson } from '../format/listing.ts';
import { parseMetadata } from './context-store.ts';
import { checkContextName, type ContextMetadata, type TlsFiles } from './context.ts';

/** docker's limit for what it reads. */
const largestArchive = 10 << 20;

export interface ArchivedContext {
  metadata: ContextMetadata;
  tls: TlsFiles;
}

export function packContext({ metadata, tls }: ArchivedContext): Buffer {
  const pieces = [...file('meta.json', 0o644, Buffer.from(goJson(metadata))), folder('tls')];
  for (const [endpoint, files] of Object.entries(tls)) {
    pieces.push(folder(`tls/${endpoint}`));
    for (const [name, content] of Object.entries(files)) {
      pieces.push(...file(`tls/${endpoint}/${name}`, 0o600, content));
    }
  }
  return Buffer.concat([...pieces, endOfArchive]);
}

/** The archive's context, with the name that it is to have here. Throws invalid_argument for what is no such archive. */
export function unpackContext(archive: Buffer, name: string): ArchivedContext {
  if (archive.length > largestArchive) throw invalid('read exceeds the defined limit');
  if (archive.subarray(0, 4).equals(Buffer.from('PK\x03\x04'))) {
    throw new StackError('unimplemented', 'importing a context from a zip file is not implemented');
  }
  const files = filesOf(archive);
  const metadata = files.get('meta.json');
  if (!metadata) throw invalid('invalid context: no metadata found');
  checkContextName(name);
  const tls: Record<string, Record<string, Buffer>> = {};
  for (const [path, content] of files) {
    if (path === 'meta.json') continue;
    const [, endpoint = '', file] = path.split('/');
    if (file === undefined || path.split('/').length !== 3)
      throw invalid('archive format is invalid');
    (tls[endpoint] ??= {})[file] = content;
  }
  const parsed = parseMetadata(metadata.toString('utf8'), 'meta.json');
  return { metadata: { ...parsed, Name: name }, tls };
}

function filesOf(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  let content: Buffer[] | undefined;
  let path = '';
  const reader = new TarReader({
    entry(entry) {
      content = entry.type === 'file' ? [] : undefined;
      path = Buffer.from(entry.name, 'latin1').toString('utf8'); // names are bytes
      if (content) checkPath(path);
    },
    content(bytes) {
      content?.push(Buffer.from(bytes));
    },
    end() {
      if (content) files.set(path, Buffer.concat(content));
    },
  });
  try {
    reader.write(archive);
    reader.end();
  } catch (error) {
    if (!isStackError(error) || !error.message.startsWith('malformed')) throw error;
    throw new StackError('invalid_argument', 'archive/tar: invalid tar header', { cause: error });
  }
  return files;
}

/** Names become names of files: nothing may escape. */
function checkPath(path: string): void {
  if (path !== 'meta.json' && !path.startsWith('tls/')) {
    throw invalid(`${path}: unexpected context file`);
  }
  if (path.split('/').some((part) => ['', '.', '..'].includes(part))) {
    throw invalid(`${path}: unexpected path format`);
  }
  if (path.includes('\\')) throw invalid(`${path}: unexpected '\\' in path`);
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}

function file(name: string, mode: number, content: Buffer): Buffer[] {
  const header = headerOf(entryOf('file', name, mode, content.length));
  return [header, content, paddingAfter(content.length)];
}

function folder(name: string): Buffer {
  return headerOf(entryOf('directory', name, 0o700, 0));
}

function entryOf(type: TarEntry['type'], name: string, mode: number, sizeBytes: number): TarEntry {
  return {
    ...{ type, mode, sizeBytes },
    name: Buffer.from(name, 'utf8').toString('latin1'),
    linkName: '',
    uid: 0,
    gid: 0,
    modificationTime: { seconds: 0, nanoseconds: 0 },
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
  };
}
