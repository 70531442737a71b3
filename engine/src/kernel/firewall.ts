/** The engine's own nft tables. */
import type { Ipv4Prefix } from '#lib/netlink/ipv4';
import type { Ipv6Prefix } from '#lib/netlink/ipv6';
import { ifname, type transportProtocols } from '#lib/nft/expression';
import type { AddressFamily } from '#lib/nft/nat';
import { Transaction } from '#lib/nft/transaction';
import { isStackError } from '#spec/errors';
import { dockerBridges, redirectionElements, tableTransaction } from './firewall-table.ts';
import type { Host } from './host.ts';

export interface FirewallRequest {
  /** Name of the engine's tables; one engine, one name. */
  readonly table: string;
  readonly networks: readonly FirewalledNetwork[];
  readonly ports: readonly RedirectedPort[];
}

/** A port of the machine that leads to a container. */
export interface RedirectedPort {
  readonly protocol: keyof typeof transportProtocols;
  readonly hostPort: number;
  /** One address of the machine, of the same family as `address`; all of them without it. */
  readonly hostAddress?: string;
  readonly address: string;
  readonly port: number;
}

export interface FirewalledNetwork {
  readonly bridge: string;
  readonly subnet: Ipv4Prefix;
  readonly ipv6Subnet: Ipv6Prefix | undefined;
  /** Neither in nor out: its containers reach each other and the bridge only. */
  readonly internal: boolean;
  /** Whether packets to other machines leave under the address of this one. */
  readonly masquerade: boolean;
}

/** The families that the engine has a table of: IPv6's only where a network has IPv6. */
export function familiesOf({ networks }: Pick<FirewallRequest, 'networks'>): AddressFamily[] {
  return networks.some(({ ipv6Subnet }) => ipv6Subnet) ? ['ip', 'ip6'] : ['ip'];
}

/** Writes the tables ({@link tableTransaction}), replacing what an earlier run left of them, each in one transaction. */
export function writeFirewall(host: Host, request: FirewallRequest): void {
  const families = familiesOf(request);
  for (const family of families) tableTransaction(family, request).commit(host.nft);
  if (!families.includes('ip6')) removeTable(host, 'ip6', request.table);
}

/** Makes `ports` all that is redirected. */
export function redirectPorts(
  host: Host,
  request: Pick<FirewallRequest, 'networks' | 'table' | 'ports'>,
): void {
  const { table, ports } = request;
  for (const family of familiesOf(request)) {
    const { anywhere, somewhere } = redirectionElements(family, ports);
    new Transaction(family)
      .replaceElements(table, 'published', anywhere)
      .replaceElements(table, 'published_at', somewhere)
      .commit(host.nft);
  }
}

/**
 * Names the bridges that docker isolates. Our accept rule in iptables' FORWARD chain stands before docker's rules
 * and would open them to our containers.
 */
export function setDockerBridges(
  host: Host,
  family: AddressFamily,
  table: string,
  bridges: readonly string[],
): void {
  const elements = bridges.map((bridge) => ({ key: ifname(bridge) }));
  new Transaction(family).replaceElements(table, dockerBridges, elements).commit(host.nft);
}

/** Deletes the tables; does nothing where there are none. */
export function removeFirewall(host: Host, { table }: { table: string }): void {
  for (const family of ['ip', 'ip6'] as const) removeTable(host, family, table);
}

function removeTable(host: Host, family: AddressFamily, table: string): void {
  try {
    new Transaction(family).deleteTable(table).commit(host.nft);
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error;
  }
}
