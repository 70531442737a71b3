/** The networks of this machine: the default bridge, host and none. */
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import {
  formatIpv4Prefix,
  networkOf,
  overlaps,
  parseIpv4,
  parseIpv4Prefix,
} from '#lib/netlink/ipv4';
import { StackError } from '#spec/errors';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import type { AddressPool } from './address-pool.ts';
import { addressFields, BridgeNetwork } from './bridge-network.ts';
import { describeNetworks, filterWarnings } from './describe-networks.ts';
import type {
  ContainerNetwork,
  NetworkController,
  NetworkDescription,
  NetworkInfo,
  NetworkSetup,
} from './network-controller.ts';
import {
  loadIdentities,
  newId,
  saveIdentities,
  type NetworkIdentities,
} from './network-identities.ts';
import type { NetworkOptions } from './network-options.ts';
import { NetworkRecords, type NetworkRecord } from './network-records.ts';
import { PreparedPool } from './prepared-pool.ts';
import { hostNameServers } from './resolv-conf.ts';
import { Sandboxes, type SandboxHandle } from './sandboxes.ts';
import { Turns } from './turns.ts';

export interface LocalNetworkControllerOptions extends NetworkOptions {
  readonly kernel: KernelThread;
  readonly logger: Logger;
  readonly dataRoot: string;
  readonly execRoot: string;
}

export class LocalNetworkController implements NetworkController {
  readonly #options: LocalNetworkControllerOptions;
  readonly #identities: NetworkIdentities;
  readonly #sandboxes: Sandboxes;
  readonly #records: NetworkRecords;
  readonly #running = new Map<string, NetworkRecord>();
  readonly #turns = new Turns();
  readonly #isolated: PreparedPool<SandboxHandle>;
  #bridge: BridgeNetwork | undefined;
  #legacyFilter = false;

  constructor(options: LocalNetworkControllerOptions) {
    const { kernel, logger, dataRoot, execRoot } = options;
    this.#options = options;
    this.#identities = loadIdentities(path.join(dataRoot, 'network'));
    this.#sandboxes = new Sandboxes(kernel, path.join(execRoot, 'netns'));
    this.#records = new NetworkRecords(path.join(execRoot, 'network'));
    this.#isolated = new PreparedPool({
      size: 1,
      quietMs: 150,
      create: () => this.#sandboxes.create(),
      destroy: ({ path: file }) => this.#sandboxes.remove(file),
      failed: (error) => logger.debug('cannot prepare a network namespace', { error }),
    });
  }

  async start(): Promise<void> {
    const { kernel, bridge } = this.#options;
    if (bridge !== undefined) {
      const pools = [...this.#lastPool(bridge), ...this.#options.pools];
      const avoid = hostNameServers().map((server) => ({ address: parseIpv4(server), length: 32 }));
      const options = { ...this.#options, bridge, pools, avoid, sandboxes: this.#sandboxes };
      this.#bridge = await BridgeNetwork.start(options);
      this.#legacyFilter = await kernel.call('hasLegacyFilter');
    }
    saveIdentities(path.join(this.#options.dataRoot, 'network'), {
      ...this.#identities,
      ...(bridge !== undefined &&
        this.#bridge && {
          lastBridge: { name: bridge, gateway: formatIpv4Prefix(this.#bridge.gateway) },
        }),
    });
  }

  async restore(known: Iterable<string>): Promise<ContainerNetwork[]> {
    const wanted = new Set(known);
    for (const record of this.#records.load()) {
      const { containerId, sandboxKey, sandboxId } = record.network;
      if (wanted.has(containerId) && (await this.#adopt(record))) continue;
      await this.#sandboxes.remove(sandboxKey);
      await this.#records.delete(sandboxId);
    }
    const kept = [...this.#running.values()];
    await this.#sandboxes.removeOthers(new Set(kept.map(({ network }) => network.sandboxKey)));
    await this.#bridge?.removeOtherLinks(new Set(kept.map(({ hostLink }) => hostLink ?? '')));
    this.#bridge?.prepare();
    this.#bridge?.containersRun(this.#bridgeIsUsed());
    this.#isolated.fill();
    return kept.map(({ network }) => network);
  }

  setUp(containerId: string, setup: NetworkSetup): Promise<ContainerNetwork> {
    return this.#turns.take(containerId, () => this.#setUp(containerId, setup));
  }

  tearDown(containerId: string): Promise<void> {
    return this.#turns.take(containerId, async () => {
      const record = this.#running.get(containerId);
      if (record) await this.#remove(record);
    });
  }

  get(containerId: string): ContainerNetwork | undefined {
    return this.#running.get(containerId)?.network;
  }

  networks(): NetworkDescription[] {
    const { bridge: name, mtu } = this.#options;
    const gateway = this.#bridge?.gateway;
    return describeNetworks({
      identities: this.#identities,
      bridge: name !== undefined && gateway ? { name, gateway, mtu } : undefined,
      containers: [...this.#running.values()].map(({ network }) => network),
    });
  }

  info(): NetworkInfo {
    const { bridge, firewallIntegration } = this.#options;
    const foreignFilters = this.#bridge?.foreignFilters ?? [];
    return {
      bridge,
      firewallIntegration: firewallIntegration ? 'on' : 'off',
      foreignFilters,
      warnings: filterWarnings(bridge ?? '', foreignFilters, this.#legacyFilter),
    };
  }

  async stop(): Promise<void> {
    const remove = this.#running.size === 0;
    await this.#isolated.close();
    await this.#bridge?.stop(remove);
    this.#bridge = undefined;
    if (!remove) return;
    await this.#sandboxes.removeOthers(new Set());
    this.#sandboxes.removeFolder();
    this.#records.removeFolder();
  }

  async #setUp(containerId: string, { mode, mac }: NetworkSetup): Promise<ContainerNetwork> {
    if (this.#running.has(containerId)) {
      throw new StackError('conflict', `container ${containerId} already has a network`);
    }
    if (mac !== undefined && mode !== 'bridge') {
      throw new StackError(
        'invalid_argument',
        `a MAC address needs network "bridge", not "${mode}"`,
      );
    }
    const { sandboxId, sandboxKey, link } = await this.#enter(mode, mac);
    const network: ContainerNetwork = {
      containerId,
      mode,
      sandboxId,
      sandboxKey,
      netnsPath: mode === 'host' ? undefined : sandboxKey,
      networkId: this.#identities[mode].id,
      endpointId: newId(),
      ...addressFields(link),
    };
    const record = { network, hostLink: link?.hostName };
    this.#running.set(containerId, record);
    try {
      await this.#records.save(record);
    } catch (error) {
      await this.#remove(record);
      throw error;
    }
    if (mode === 'bridge') this.#bridge?.containersRun(true);
    return network;
  }

  async #remove(record: NetworkRecord): Promise<void> {
    const { containerId, mode, sandboxKey, sandboxId } = record.network;
    if (mode === 'bridge' && this.#bridge) await this.#disconnect(this.#bridge, record);
    else if (mode !== 'host') await this.#sandboxes.remove(sandboxKey);
    await this.#records.delete(sandboxId);
    this.#running.delete(containerId);
    if (mode === 'bridge') this.#bridge?.containersRun(this.#bridgeIsUsed());
  }

  async #enter(
    mode: NetworkSetup['mode'],
    mac: string | undefined,
  ): Promise<{ sandboxId: string; sandboxKey: string; link: SandboxHandle['link'] }> {
    if (mode === 'host') {
      return { sandboxId: newId(), sandboxKey: await this.#sandboxes.host(), link: undefined };
    }
    const { id, path: sandboxKey, link } = await this.#sandboxFor(mode, mac);
    return { sandboxId: id, sandboxKey, link };
  }

  async #sandboxFor(mode: 'bridge' | 'none', mac: string | undefined): Promise<SandboxHandle> {
    if (mode === 'none') return this.#isolated.take() ?? (await this.#sandboxes.create());
    if (!this.#bridge) {
      throw new StackError('not_found', 'network bridge not found: engined has --bridge=none');
    }
    return this.#bridge.connect(mac);
  }

  async #disconnect(bridge: BridgeNetwork, { network, hostLink }: NetworkRecord): Promise<void> {
    const address = { address: parseIpv4(network.ipAddress), length: network.prefixLength };
    const link = hostLink === undefined ? undefined : { hostName: hostLink, address };
    await bridge.destroy(network.sandboxKey, link);
  }

  /** Whether the network of an earlier run still exists. */
  async #adopt(record: NetworkRecord): Promise<boolean> {
    const { mode, sandboxKey, containerId, ipAddress } = record.network;
    if (!(await this.#sandboxes.exists(sandboxKey))) return false;
    if (mode === 'bridge') {
      const subnet = this.#bridge?.gateway;
      const address = { address: parseIpv4(ipAddress), length: 32 };
      if (!subnet || !overlaps(networkOf(subnet), address)) return false;
      this.#bridge?.adopt(record);
    }
    this.#running.set(containerId, record);
    return true;
  }

  /** The subnet of the last start, if the flags still allow it: addresses stay what users have seen. */
  #lastPool(bridge: string): AddressPool[] {
    const { lastBridge } = this.#identities;
    if (lastBridge?.name !== bridge) return [];
    const gateway = parseIpv4Prefix(lastBridge.gateway);
    const allowed = this.#options.pools.some(
      ({ base, size }) => size === gateway.length && overlaps(base, gateway),
    );
    return allowed ? [{ base: networkOf(gateway), size: gateway.length }] : [];
  }

  #bridgeIsUsed(): boolean {
    return [...this.#running.values()].some(({ network }) => network.mode === 'bridge');
  }
}
