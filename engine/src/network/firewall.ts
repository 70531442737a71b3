/** The engine's packet filter rules as networks come and go, and the filters of others that would drop our packets. */
import type { Logger } from '#lib/log/logger';
import type { FirewallRequest, FirewalledNetwork, RedirectedPort } from '../kernel/firewall.ts';
import type { ForeignFilter } from '../kernel/foreign-filters.ts';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import { FilterWatch } from './filter-watch.ts';

export interface FirewallOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  /** Name of the engine's table. */
  readonly table: string;
  /** Whether filters of others are told to let our packets through. */
  readonly integration: boolean;
}

export class Firewall {
  readonly #options: FirewallOptions;
  readonly #networks = new Map<string, FirewalledNetwork>();
  #ports: readonly RedirectedPort[] = [];
  readonly #watch: FilterWatch | undefined;

  constructor(options: FirewallOptions) {
    const { kernel, logger } = options;
    this.#options = options;
    this.#watch = options.integration
      ? new FilterWatch({
          kernel,
          logger,
          own: () => this.#request(),
        })
      : undefined;
  }

  get foreignFilters(): readonly ForeignFilter[] {
    return this.#watch?.filters ?? [];
  }

  /** Lets a network in; the rules hold when this resolves. */
  async add(network: FirewalledNetwork): Promise<void> {
    this.#networks.set(network.bridge, network);
    try {
      await this.#write();
    } catch (error) {
      this.#networks.delete(network.bridge);
      throw error;
    }
    await this.#watch?.look();
  }

  /** Forgets a network whose bridge is gone, or about to go. */
  async remove(bridge: string): Promise<void> {
    if (!this.#networks.delete(bridge)) return;
    await this.#write();
    await this.#watch?.forget(bridge);
  }

  /** Makes `ports` all that lead into containers. */
  async redirect(ports: readonly RedirectedPort[]): Promise<void> {
    this.#ports = ports;
    await this.#options.kernel.call('redirectPorts', this.#request());
  }

  /** After {@link redirect}: no client of UDP goes on reaching whoever had one of these ports before. */
  async forgetClients(ports: readonly RedirectedPort[]): Promise<void> {
    if (!ports.some(({ protocol }) => protocol === 'udp')) return;
    await this.#forget(() => this.#options.kernel.call('forgetOfPorts', { ports }));
  }

  /** After {@link redirect}: no client goes on reaching these addresses of a container. */
  async forgetContainer(addresses: readonly string[]): Promise<void> {
    await this.#forget(() => this.#options.kernel.call('forgetOfAddresses', { addresses }));
  }

  /** Tells whether containers are connected: only then filters of others matter. */
  containersRun(running: boolean): void {
    this.#watch?.containersRun(running);
  }

  /** Ends background work; with `remove` takes all rules away. */
  async stop(remove: boolean): Promise<void> {
    await this.#watch?.stop(remove);
    const { kernel, table } = this.#options;
    if (remove) await kernel.call('removeFirewall', { table });
  }

  /** A kernel without connection tracking by netlink keeps what it has: worth a line, not a failure. */
  async #forget(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#options.logger.warn('cannot forget connections to published ports', { error });
    }
  }

  async #write(): Promise<void> {
    await this.#options.kernel.call('writeFirewall', this.#request());
  }

  #request(): FirewallRequest {
    const { table } = this.#options;
    return { table, networks: [...this.#networks.values()], ports: this.#ports };
  }
}
