/** Namespaces under `<exec-root>/netns`: made, kept ready, removed. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { SandboxLink } from '../kernel/sandbox-link.ts';

/** A namespace, with a link to a bridge or without. */
export interface SandboxHandle {
  /** 64 hex digits; the file's name is the first 12. */
  readonly id: string;
  readonly path: string;
  readonly link: SandboxLink | undefined;
}

/** The path that stands for the host's own namespace, as docker has it. */
const hostSandbox = 'default';

export class Sandboxes {
  readonly #kernel: KernelThread;
  readonly #folder: string;
  readonly #userNamespace: string | undefined;

  /** `userNamespace`: the file of the one that the namespaces are to belong to; the host's without it. */
  constructor(kernel: KernelThread, folder: string, userNamespace?: string) {
    this.#kernel = kernel;
    this.#userNamespace = userNamespace;
    this.#folder = folder;
    fs.mkdirSync(folder, { recursive: true, mode: 0o711 });
  }

  async create(link?: SandboxLink): Promise<SandboxHandle> {
    const id = randomBytes(32).toString('hex');
    const file = this.#pathOf(id);
    const userNamespace = this.#userNamespace;
    await this.#kernel.call('createSandbox', {
      path: file,
      ...(link && { link }),
      ...(userNamespace !== undefined && { userNamespace }),
    });
    return { id, path: file, link };
  }

  /** The namespace at `file` goes when nobody uses it any more. */
  async remove(file: string): Promise<void> {
    await this.#kernel.call('removeSandbox', { path: file });
  }

  async exists(file: string): Promise<boolean> {
    return this.#kernel.call('isSandbox', { path: file });
  }

  /** A path for the host's own namespace. */
  async host(): Promise<string> {
    const file = path.join(this.#folder, hostSandbox);
    await this.#kernel.call('mountHostNamespace', { path: file });
    return file;
  }

  /** Removes all namespaces but those at `keep`. Returns how many there were. */
  async removeOthers(keep: ReadonlySet<string>): Promise<number> {
    const files = fs.readdirSync(this.#folder).map((name) => path.join(this.#folder, name));
    const leftovers = files.filter((file) => !keep.has(file));
    for (const file of leftovers) await this.remove(file);
    return leftovers.length;
  }

  /** Deletes the folder, which must be empty. */
  removeFolder(): void {
    fs.rmdirSync(this.#folder);
  }

  #pathOf(id: string): string {
    return path.join(this.#folder, id.slice(0, 12));
  }
}
