/** Runtimes by the name that users say (`--runtime runc`), as what containerd and its shim need to be told. */
import path from 'node:path';
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
  readonly defaultName: string;
  readonly #runtimes: ReadonlyMap<string, Runtime>;
  readonly #execRoot: string;

  constructor({ lite, added, defaultName, execRoot }: RuntimeTableOptions) {
    const shim = lite ? liteShim : runcShim;
    this.#runtimes = new Map<string, Runtime>([
      ['runtime', { shim, binaryName: executablePath('runtime') }],
      ['runc', { shim, binaryName: 'runc' }],
      ...Object.entries(added).map(
        ([name, binaryName]) => [name, { shim, binaryName }] as [string, Runtime],
      ),
    ]);
    this.#execRoot = execRoot;
    this.defaultName = defaultName ?? (lite ? 'runtime' : 'runc');
    this.resolve(this.defaultName); // a wrong --default-runtime is said at the start
  }

  /** The runtime of this name, or a shim by its own name. Throws invalid_argument for one that is not known. */
  resolve(name: string): Runtime {
    const known = this.#runtimes.get(name || this.defaultName);
    if (known) return known;
    if (/^io\.containerd\.[\w.-]+$/.test(name) || path.isAbsolute(name)) {
      return { shim: name, binaryName: '' };
    }
    throw new StackError('invalid_argument', `unknown or invalid runtime name: ${name}`);
  }

  /** Path by name, for /info. */
  paths(): Record<string, { path: string }> {
    return Object.fromEntries(
      [...this.#runtimes].map(([name, { binaryName }]) => [name, { path: binaryName }]),
    );
  }

  /** The options that shims with runc's command line take. State of containers stays below our own exec root. */
  options({ binaryName }: Pick<Runtime, 'binaryName'>): Any {
    return packAny(Options, { binaryName, root: path.join(this.#execRoot, 'runtime') });
  }
}
