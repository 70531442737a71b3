/**
 * Keeps our packets accepted in filters of others, and our own table in place, whoever of docker, ufw and engined started first: it looks at
 * each start of a container, and every second while containers run. A look that finds nothing changed is one
 * system call on the kernel thread, which is subscribed to the changes of all packet filter rules.
 */
import type { Logger } from '#lib/log/logger';
import type { FirewallRequest } from '../kernel/firewall.ts';
import type { ForeignFilter } from '../kernel/foreign-filters.ts';
import type { KernelThread } from '../kernel/kernel-thread.ts';

const intervalMs = 1000;

export interface FilterWatchOptions {
  readonly kernel: KernelThread;
  readonly bridge: string;
  /** The engine's own nft table. */
  readonly own: FirewallRequest;
  readonly logger: Logger;
}

export class FilterWatch {
  readonly #options: FilterWatchOptions;
  readonly #tag: string;
  #filters: readonly ForeignFilter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();

  constructor(options: FilterWatchOptions) {
    this.#options = options;
    this.#tag = `engined:${options.bridge}`;
  }

  /** What was found at the last look. */
  get filters(): readonly ForeignFilter[] {
    return this.#filters;
  }

  /** Looks now, whether or not somebody changed something. */
  async start(): Promise<void> {
    await this.#check(true);
  }

  /** A container starts or stopped: watch while `running` is true. */
  containersRun(running: boolean): void {
    clearInterval(this.#timer);
    if (!running) return;
    const look = () => (this.#look = this.#look.then(() => this.#check(false)));
    void look();
    this.#timer = setInterval(() => void look(), intervalMs);
    this.#timer.unref();
  }

  /** Stops looking, and removes our rules if `remove` is set. */
  async stop(remove: boolean): Promise<void> {
    clearInterval(this.#timer);
    await this.#look;
    if (remove) await this.#options.kernel.call('removeForeignRules', { tag: this.#tag });
  }

  async #check(force: boolean): Promise<void> {
    const { kernel, bridge, own, logger } = this.#options;
    try {
      const request = { bridge, own, tag: this.#tag, force };
      const filters = await kernel.call('checkForeignFilters', request);
      if (!filters) return;
      const known = new Set(this.#filters.map((filter) => JSON.stringify(filter)));
      this.#filters = filters;
      for (const filter of filters.filter((found) => !known.has(JSON.stringify(found)))) {
        const fields = { ...filter, bridge };
        if (filter.accepted) logger.info('packets of containers are accepted in a filter', fields);
        else logger.warn('a filter that is not ours may drop packets of containers', fields);
      }
    } catch (error) {
      logger.warn('cannot look after packet filters of others', { error, bridge });
    }
  }
}
