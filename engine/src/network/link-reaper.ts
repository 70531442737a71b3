/**
 * Watches links disappear. Deleting a veth pair waits for RCU, so a stopping container only lets go of its
 * namespace, and the kernel deletes the pair with it. Here that is seen through: the address is free again when
 * the link is gone, and a link that somebody's process holds is deleted after all.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '#lib/log/logger';
import type { KernelThread } from '../kernel/kernel-thread.ts';

const pollMs = 50;
/** A namespace that lives longer has a process in it that is not the container's. */
const patienceMs = 2000;

interface DyingLink {
  readonly since: number;
  readonly whenGone: () => void;
}

export class LinkReaper {
  readonly #kernel: KernelThread;
  readonly #prefix: string;
  readonly #logger: Logger;
  readonly #dying = new Map<string, DyingLink>();
  #work: Promise<void> | undefined;

  /** @param prefix what the names of all links begin with. */
  constructor(kernel: KernelThread, prefix: string, logger: Logger) {
    this.#kernel = kernel;
    this.#prefix = prefix;
    this.#logger = logger;
  }

  /** Sees to it that the link goes, then calls `whenGone`. */
  watch(link: string, whenGone: () => void): void {
    this.#dying.set(link, { since: performance.now(), whenGone });
    this.#work ??= this.#watchAll().finally(() => (this.#work = undefined));
  }

  /** Resolves when no link is left to wait for. */
  async drain(): Promise<void> {
    while (this.#work) await this.#work;
  }

  async #watchAll(): Promise<void> {
    while (this.#dying.size > 0) {
      await delay(pollMs);
      try {
        await this.#look();
      } catch (error) {
        this.#logger.warn('cannot look after links of stopped containers', { error });
        await delay(patienceMs);
      }
    }
  }

  async #look(): Promise<void> {
    const candidates = [...this.#dying];
    const living = new Set(await this.#kernel.call('listLinksByPrefix', { prefix: this.#prefix }));
    for (const [name, { since, whenGone }] of candidates) {
      if (living.has(name)) {
        if (performance.now() - since < patienceMs) continue;
        await this.#kernel.call('removeLink', { name });
      }
      this.#dying.delete(name);
      whenGone();
    }
  }
}
