/**
 * Contexts below the folder of `config.json`, where docker's command line has them too:
 *
 *   contexts/meta/<sha256 of the name>/meta.json        name, description, endpoint
 *   contexts/tls/<sha256 of the name>/docker/*.pem      certificates and key, where it has any
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode, messageOf } from '#spec/errors';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import { goJson } from '../format/listing.ts';
import { osErrorText } from '../terminal/os-error.ts';
import type { ContextMetadata, TlsFiles } from './context.ts';

export class ContextStore {
  readonly #metaFolder: string;
  readonly #tlsFolder: string;

  constructor(configFolder: string) {
    this.#metaFolder = path.join(configFolder, 'contexts/meta');
    this.#tlsFolder = path.join(configFolder, 'contexts/tls');
  }

  /** Where the context is, or would be. */
  storage(name: string): { MetadataPath: string; TLSPath: string } {
    const id = createHash('sha256').update(name).digest('hex');
    return {
      MetadataPath: path.join(this.#metaFolder, id),
      TLSPath: path.join(this.#tlsFolder, id),
    };
  }

  /** All that can be read. Throws invalid_argument for a file that is no context. */
  list(): ContextMetadata[] {
    return childrenOf(this.#metaFolder)
      .map((id) => path.join(this.#metaFolder, id, 'meta.json'))
      .filter((file) => fs.existsSync(file))
      .map(readMetadata);
  }

  has(name: string): boolean {
    return fs.existsSync(this.storage(name).MetadataPath);
  }

  /** Throws not_found. */
  get(name: string): ContextMetadata {
    try {
      return readMetadata(path.join(this.storage(name).MetadataPath, 'meta.json'));
    } catch (error) {
      const kind = errorCode(error) === 'ENOENT' ? 'not_found' : 'invalid_argument';
      throw new StackError(kind, `context "${name}": ${messageOf(error)}`, { cause: error });
    }
  }

  /** Makes the context, or replaces what is there; with `tls` also its certificates. */
  write(context: ContextMetadata, tls?: TlsFiles): void {
    const { MetadataPath, TLSPath } = this.storage(context.Name);
    if (tls) {
      fs.rmSync(TLSPath, { recursive: true, force: true });
      for (const [endpoint, files] of Object.entries(tls)) {
        fs.mkdirSync(path.join(TLSPath, endpoint), { recursive: true, mode: 0o700 });
        for (const [name, content] of Object.entries(files)) {
          fs.writeFileSync(path.join(TLSPath, endpoint, name), content, { mode: 0o600 });
        }
      }
    }
    fs.mkdirSync(MetadataPath, { recursive: true, mode: 0o755 });
    writeFileAtomicSync(path.join(MetadataPath, 'meta.json'), goJson(context));
  }

  remove(name: string): void {
    const { MetadataPath, TLSPath } = this.storage(name);
    fs.rmSync(MetadataPath, { recursive: true, force: true });
    fs.rmSync(TLSPath, { recursive: true, force: true });
  }

  /** Certificates and key; empty for a context without. */
  tlsFiles(name: string): TlsFiles {
    const { TLSPath } = this.storage(name);
    const filesOf = (endpoint: string) =>
      Object.fromEntries(
        childrenOf(path.join(TLSPath, endpoint)).map((file) => [
          file,
          fs.readFileSync(path.join(TLSPath, endpoint, file)),
        ]),
      );
    return Object.fromEntries(childrenOf(TLSPath).map((endpoint) => [endpoint, filesOf(endpoint)]));
  }
}

/** What a meta.json says, whoever wrote it. Throws invalid_argument for what is none. */
export function parseMetadata(text: string, source: string): ContextMetadata {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new StackError('invalid_argument', `parsing ${source}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const { Name, Metadata, Endpoints } = (content ?? {}) as Partial<ContextMetadata>;
  if (typeof Name !== 'string' || typeof (Endpoints ?? {}) !== 'object') {
    throw new StackError('invalid_argument', `parsing ${source}: it has no name or no endpoints`);
  }
  return { Name, Metadata: Metadata ?? {}, Endpoints: Endpoints ?? {} };
}

function readMetadata(file: string): ContextMetadata {
  try {
    return parseMetadata(fs.readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    // The cause keeps the code.
    throw Object.assign(new Error(`context not found: ${osErrorText('open', file, error)}`), {
      code: 'ENOENT',
    });
  }
}

function childrenOf(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
