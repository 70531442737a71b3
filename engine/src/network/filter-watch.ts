/**
 * Keeps our packets accepted in filters of others, and our own table in place, whoever of docker, ufw and engined
 * started first: it looks at each start of a container, and every second while containers run. A look that finds
 * nothing changed is one system call on the kernel thread, which is subscribed to the changes of all packet filter rules.
 */
import type { Logger } from '#lib/log/logger';
import type { FirewallRequest } from '../kernel/firewall.ts';
import type { ForeignFilter } from '../kernel/foreign-filters.ts';
import type { KernelThread } from '../kernel/kernel-thread.ts';

const intervalMs = 1000;

export interface FilterWatchOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  /** The engine's own nft table with its bridges, at this moment. */
  readonly own: () => FirewallRequest;
}

export class FilterWatch {
  readonly #options: FilterWatchOptions;
  #filters: readonly ForeignFilter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: FilterWatchOptions) {
    this.#options = options;
  }

  /** What was found at the last look. */
  get filters(): readonly ForeignFilter[] {
    return this.#filters;
  }

  /** Looks now, whether or not somebody changed something. */
  look(): Promise<void> {
    return this.#enqueue(true);
  }

  /** A container starts or stopped: watch while `running` is true. */
  containersRun(running: boolean): void {
    clearInterval(this.#timer);
    if (!running) return;
    void this.#enqueue(false);
    this.#timer = setInterval(() => void this.#enqueue(false), intervalMs);
    this.#timer.unref();
  }

  /** Removes our rules for a bridge that is gone. */
  async forget(bridge: string): Promise<void> {
    await this.#last;
    await this.#options.kernel.call('removeForeignRules', { bridges: [bridge] });
  }

  /** Stops looking, and removes our rules if `remove` is set. */
  async stop(remove: boolean): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
    const { kernel, own } = this.#options;
    const bridges = own().networks.map(({ bridge }) => bridge);
    if (remove) await kernel.call('removeForeignRules', { bridges });
  }

  #enqueue(force: boolean): Promise<void> {
    return (this.#last = this.#last.then(() => this.#check(force)));
  }

  async #check(force: boolean): Promise<void> {
    const { kernel, own, logger } = this.#options;
    try {
      const filters = await kernel.call('checkForeignFilters', { own: own(), force });
      if (!filters) return;
      const known = new Set(this.#filters.map((filter) => JSON.stringify(filter)));
      this.#filters = filters;
      for (const filter of filters.filter((found) => !known.has(JSON.stringify(found)))) {
        if (filter.accepted)
          logger.info('packets of containers are accepted in a filter', { ...filter });
        else logger.warn('a filter that is not ours may drop packets of containers', { ...filter });
      }
    } catch (error) {
      logger.warn('cannot look after packet filters of others', { error });
    }
  }
}
