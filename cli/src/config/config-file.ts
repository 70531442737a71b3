/**
 * docker's `config.json`: credentials of registries, programs that keep them, and what commands do where no flag says
 * otherwise. What we do not know in it stays.
 */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode, messageOf } from '#spec/errors';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';

/** One registry's credentials as the file has them. */
export interface StoredAuth {
  /** User and password in base64, with a colon between them. */
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** Names of templates for lists. */
export type FormatName =
  'psFormat' | 'imagesFormat' | 'networksFormat' | 'volumesFormat' | 'statsFormat';

/** What containers are to know of the user's proxies. */
export interface ProxySettings {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
  ftpProxy?: string;
  allProxy?: string;
}

interface Content extends Partial<Record<FormatName, string>> {
  auths?: Record<string, StoredAuth>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  currentContext?: string;
  detachKeys?: string;
  HttpHeaders?: Record<string, string>;
  proxies?: Record<string, ProxySettings>;
  pruneFilters?: string[];
  [other: string]: unknown;
}

export class ConfigFile {
  readonly file: string;
  readonly #content: Content;

  private constructor(file: string, content: Content) {
    this.file = file;
    this.#content = content;
  }

  static readonly empty = new ConfigFile('', {});

  /** Empty where there is none yet. Throws invalid_argument for a file that is not JSON. */
  static read(folder: string): ConfigFile {
    const file = path.join(folder, 'config.json');
    try {
      const content: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
      if (typeof content !== 'object' || content === null || Array.isArray(content)) {
        throw new Error('not an object');
      }
      return new ConfigFile(file, content as Content);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return new ConfigFile(file, {});
      throw new StackError(
        'invalid_argument',
        `cannot load config file "${file}": ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** `secretservice` for a program docker-credential-secretservice that keeps the credentials of `server`. */
  helperOf(server: string): string | undefined {
    const { credHelpers = {}, credsStore } = this.#content;
    const helper = Object.hasOwn(credHelpers, server) ? credHelpers[server] : credsStore;
    return helper === '' ? undefined : helper;
  }

  /** By the name that was written, then by host name: older versions wrote whole addresses. */
  authOf(server: string): StoredAuth | undefined {
    const { auths = {} } = this.#content;
    if (Object.hasOwn(auths, server)) return auths[server];
    const found = Object.keys(auths).find((key) => hostOf(key) === hostOf(server));
    return found === undefined ? undefined : auths[found];
  }

  setAuth(server: string, auth: StoredAuth): void {
    this.#content.auths = { ...this.#content.auths, [server]: auth };
    this.#write();
  }

  /** False where there was nothing to remove. */
  removeAuth(server: string): boolean {
    const { auths = {} } = this.#content;
    if (!Object.hasOwn(auths, server)) return false;
    this.#content.auths = Object.fromEntries(
      Object.entries(auths).filter(([key]) => key !== server),
    );
    this.#write();
    return true;
  }

  /** The context that `context use` has chosen; empty for none. */
  get currentContext(): string {
    return this.#content.currentContext ?? '';
  }

  setCurrentContext(name: string): void {
    if (name === this.currentContext) return;
    if (name === '') delete this.#content.currentContext;
    else this.#content.currentContext = name;
    this.#write();
  }

  /** Template that a list has without `--format`. */
  format(name: FormatName): string | undefined {
    return this.#content[name];
  }

  get detachKeys(): string | undefined {
    return this.#content.detachKeys;
  }

  /** Sent with every call. */
  get httpHeaders(): Readonly<Record<string, string>> {
    const { HttpHeaders: headers = {} } = this.#content;
    const others = Object.entries(headers).filter(([name]) => !/^user-agent$/i.test(name));
    return Object.fromEntries(others);
  }

  /** For containers of the daemon at `host`. */
  proxiesOf(host: string): ProxySettings {
    const { proxies = {} } = this.#content;
    const found = Object.hasOwn(proxies, host) ? proxies[host] : proxies['default'];
    return found ?? {};
  }

  /** `label=…` and others, for every prune. */
  get pruneFilters(): readonly string[] {
    return this.#content.pruneFilters ?? [];
  }

  #write(): void {
    this.#content.auths ??= {}; // docker's own files always have it
    fs.mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
    // Through a symbolic link: people keep the file among their dotfiles.
    const target = fs.existsSync(this.file) ? fs.realpathSync(this.file) : this.file;
    writeFileAtomicSync(target, `${JSON.stringify(this.#content, null, '\t')}\n`);
  }
}

/** `registry.example:5000` of `https://registry.example:5000/v2/`. */
export function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').split('/')[0] ?? '';
}
