/** Runtimes by the name that users say (`--runtime runc`), as what containerd and its shim need to be told. */
import path from 'node:path';
import type { Owner } from '../userns/id-map.ts';
import { packAny } from '#proto/any';
import { Options } from '#proto/generated/containerd.runc.v1';
import type { Any } from '#proto/generated/google.protobuf';
import { executablePath } from '#lib/installation/installation';
import { StackError } from '#spec/errors';

/** The shim of this project, and the one of containerd itself. */
export const liteShim = 'io.containerd.lite.v2';
export const runcShim = 'io.containerd.runc.v2';

export interface Runtime {
  /** containerd's name of the shim. */
  shim: string;
  /** What the shim runs: a name on PATH or an absolute path; empty lets the shim choose. */
  binaryName: string;
}

export interface RuntimeTableOptions {
  /** Whether a containerd-lite answers, rather than a real containerd. */
  lite: boolean;
  /** From --add-runtime. */
  added: Readonly<Record<string, string>>;
  /** From --default-runtime. */
  defaultName: string | undefined;
  execRoot: string;
}

export class RuntimeTable {
  readonly #lite: boolean;
  readonly #execRoot: string;
  #defaultName = '';
  #runtimes: ReadonlyMap<string, Runtime> = new Map();

  constructor({ lite, execRoot, ...chosen }: RuntimeTableOptions) {
    this.#lite = lite;
    this.#execRoot = execRoot;
    this.configure(chosen);
  }

  /** The runtime of containers that name none. */
  get defaultName(): string {
    return this.#defaultName;
  }

  /** Chooses again. Throws invalid_argument, and changes nothing, when the default is not among them. */
  configure({ added, defaultName }: Pick<RuntimeTableOptions, 'added' | 'defaultName'>): void {
    const shim = this.#lite ? liteShim : runcShim;
    const runtimes = new Map<string, Runtime>([
      ['runtime', { shim, binaryName: executablePath('runtime') }],
      ['runc', { shim, binaryName: 'runc' }],
      ...Object.entries(added).map(
        ([name, binaryName]) => [name, { shim, binaryName }] as [string, Runtime],
      ),
    ]);
    const name = defaultName ?? (this.#lite ? 'runtime' : 'runc');
    if (!runtimes.has(name) && !isShim(name)) {
      throw new StackError(
        'invalid_argument',
        `specified default runtime '${name}' does not exist`,
      );
    }
    this.#runtimes = runtimes;
    this.#defaultName = name;
  }

  /** The runtime of this name, or a shim by its own name. Throws invalid_argument for one that is not known. */
  resolve(name: string): Runtime {
    const chosen = name || this.#defaultName;
    const known = this.#runtimes.get(chosen);
    if (known) return known;
    if (isShim(chosen)) return { shim: chosen, binaryName: '' };
    throw new StackError('invalid_argument', `unknown or invalid runtime name: ${name}`);
  }

  /** Path by name, for /info. */
  paths(): Record<string, { path: string }> {
    return Object.fromEntries(
      [...this.#runtimes].map(([name, { binaryName }]) => [name, { path: binaryName }]),
    );
  }

  /**
   * The options that shims with runc's command line take. State of containers stays below our own exec root; streams
   * belong to `owner`, the container's root on the host.
   */
  options({ binaryName }: Pick<Runtime, 'binaryName'>, owner?: Owner): Any {
    const streams = owner && { ioUid: owner.uid, ioGid: owner.gid };
    return packAny(Options, {
      binaryName,
      root: path.join(this.#execRoot, 'runtime'),
      ...streams,
    });
  }
}

/** containerd's names of shims, or a path to one. */
function isShim(name: string): boolean {
  return /^io\.containerd\.[\w.-]+$/.test(name) || path.isAbsolute(name);
}
