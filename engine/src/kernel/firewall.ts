/** The engine's own nft table. */
import { broadcastOf, ipv4Bytes, networkOf, parseIpv4, type Ipv4Prefix } from '#lib/netlink/ipv4';
import {
  addressIn,
  connectionIsPublished,
  connectionState,
  counter,
  destinationIsLocal,
  destinationIsNotLoopback,
  destinationNatByMap,
  ifname,
  interfaceIn,
  interfacePairIn,
  masquerade,
  portBytes,
  transportProtocols,
  verdict,
} from '#lib/nft/expression';
import { priorities, Transaction, type SetElement } from '#lib/nft/transaction';
import { isStackError } from '#spec/errors';
import type { Host } from './host.ts';

export interface FirewallRequest {
  /** Name of the engine's table; one engine, one table. */
  readonly table: string;
  readonly networks: readonly FirewalledNetwork[];
  readonly ports: readonly RedirectedPort[];
}

/** A port of the machine that leads to a container. */
export interface RedirectedPort {
  readonly protocol: keyof typeof transportProtocols;
  readonly hostPort: number;
  /** One address of the machine; all of them without it. */
  readonly hostAddress?: string;
  readonly address: string;
  readonly port: number;
}

export interface FirewalledNetwork {
  readonly bridge: string;
  readonly subnet: Ipv4Prefix;
  /** Neither in nor out: its containers reach each other and the bridge only. */
  readonly internal: boolean;
}

const dockerBridges = 'docker_bridges';
const answers = ['established', 'related'] as const;
const intoDocker = [interfaceIn('iifname', 'bridges'), interfaceIn('oifname', dockerBridges)];

/**
 * Writes the table, replacing what an earlier run left of it, in one transaction:
 * internal bridges are left and entered by nothing;
 * packets from our subnets get the address of the link they leave by, unless that is a bridge of ours;
 * into a bridge come only answers, neighbours on the same bridge, and what came through a published port;
 * docker's bridges ({@link setDockerBridges}) are reached by answers and through docker's published ports only.
 * The rules are fixed; networks are elements of sets.
 */
export function writeFirewall(host: Host, { table, networks, ports }: FirewallRequest): void {
  const names = networks.map(({ bridge }) => ifname(bridge));
  const open = networks.filter(({ internal }) => !internal);
  const closed = networks.filter(({ internal }) => internal);
  const transaction = new Transaction('ip')
    .replaceTable(table)
    .addSet(table, { name: 'bridges', key: 'interfaceName' })
    .addSet(table, { name: dockerBridges, key: 'interfaceName' })
    .addSet(table, { name: 'internal', key: 'interfaceName' })
    .addSet(table, { name: 'same_bridge', key: 'interfacePair' })
    .addSet(table, { name: 'subnets', key: 'ipv4Address', interval: true })
    .addElements(
      table,
      'bridges',
      names.map((key) => ({ key })),
    )
    .addElements(
      table,
      'internal',
      closed.map(({ bridge }) => ({ key: ifname(bridge) })),
    )
    .addElements(
      table,
      'same_bridge',
      names.map((name) => ({ key: Buffer.concat([name, name]) })),
    )
    .addElements(
      table,
      'subnets',
      open.map(({ subnet }) => ({
        key: ipv4Bytes(networkOf(subnet).address),
        end: ipv4Bytes(broadcastOf(subnet) + 1),
      })),
    )
    .addChain(table, {
      name: 'postrouting',
      type: 'nat',
      hook: 'postrouting',
      priority: priorities.srcnat,
    })
    .addRule(table, 'postrouting', [
      addressIn('saddr', 'subnets'),
      interfaceIn('oifname', 'bridges', { inverted: true }),
      counter(),
      masquerade(),
    ])
    .addChain(table, {
      name: 'forward',
      type: 'filter',
      hook: 'forward',
      priority: priorities.filter,
    })
    .addRule(table, 'forward', [interfacePairIn('same_bridge'), verdict('accept')])
    .addRule(table, 'forward', [interfaceIn('iifname', 'internal'), counter(), verdict('drop')])
    .addRule(table, 'forward', [interfaceIn('oifname', 'internal'), counter(), verdict('drop')])
    .addRule(table, 'forward', [
      interfaceIn('oifname', 'bridges'),
      connectionState(...answers),
      verdict('accept'),
    ])
    .addRule(table, 'forward', [
      interfaceIn('oifname', 'bridges'),
      connectionIsPublished(),
      verdict('accept'),
    ])
    .addRule(table, 'forward', [interfaceIn('oifname', 'bridges'), counter(), verdict('drop')])
    .addRule(table, 'forward', [...intoDocker, connectionState(...answers), verdict('accept')])
    .addRule(table, 'forward', [...intoDocker, connectionIsPublished(), verdict('accept')])
    .addRule(table, 'forward', [...intoDocker, counter(), verdict('drop')]);
  addRedirections(transaction, table, ports);
  transaction.commit(host.nft);
}

/** Makes `ports` all that is redirected. */
export function redirectPorts(
  host: Host,
  { table, ports }: Pick<FirewallRequest, 'table' | 'ports'>,
): void {
  const { anywhere, somewhere } = redirectionElements(ports);
  new Transaction('ip')
    .replaceElements(table, 'published', anywhere)
    .replaceElements(table, 'published_at', somewhere)
    .commit(host.nft);
}

/**
 * Packets for an address of this machine go to the container whose port it is: those from outside and of the machine's
 * own processes. Loopback and our own containers use the listener of engined, because answers would not come back here.
 */
function addRedirections(
  transaction: Transaction,
  table: string,
  ports: readonly RedirectedPort[],
): void {
  const { anywhere, somewhere } = redirectionElements(ports);
  transaction
    .addSet(table, { name: 'published', key: 'protocolAndPort', data: 'addressAndPort' })
    .addSet(table, { name: 'published_at', key: 'addressProtocolAndPort', data: 'addressAndPort' })
    .addElements(table, 'published', anywhere)
    .addElements(table, 'published_at', somewhere);
  const conditions = {
    prerouting: [interfaceIn('iifname', 'bridges', { inverted: true })],
    output: [destinationIsNotLoopback()],
  };
  for (const hook of ['prerouting', 'output'] as const) {
    transaction.addChain(table, { name: hook, type: 'nat', hook, priority: priorities.dstnat });
    for (const map of ['published_at', 'published'] as const) {
      transaction.addRule(table, hook, [
        ...conditions[hook],
        destinationIsLocal(),
        destinationNatByMap(map, { byAddress: map === 'published_at' }),
      ]);
    }
  }
}

function redirectionElements(ports: readonly RedirectedPort[]): {
  anywhere: SetElement[];
  somewhere: SetElement[];
} {
  const anywhere: SetElement[] = [];
  const somewhere: SetElement[] = [];
  for (const { protocol, hostPort, hostAddress, address, port } of ports) {
    const place = [
      padded(Buffer.from([transportProtocols[protocol]])),
      padded(portBytes(hostPort)),
    ];
    const value = Buffer.concat([ipv4Bytes(parseIpv4(address)), padded(portBytes(port))]);
    if (hostAddress === undefined) anywhere.push({ key: Buffer.concat(place), value });
    else {
      somewhere.push({ key: Buffer.concat([ipv4Bytes(parseIpv4(hostAddress)), ...place]), value });
    }
  }
  return { anywhere, somewhere };
}

/** Each part of a concatenation fills whole registers of 4 bytes. */
function padded(bytes: Buffer): Buffer {
  const register = Buffer.alloc(4);
  bytes.copy(register);
  return register;
}

/**
 * Names the bridges that docker isolates. Our accept rule in iptables' FORWARD chain stands before docker's rules
 * and would open them to our containers.
 */
export function setDockerBridges(host: Host, table: string, bridges: readonly string[]): void {
  const elements = bridges.map((bridge) => ({ key: ifname(bridge) }));
  new Transaction('ip').replaceElements(table, dockerBridges, elements).commit(host.nft);
}

/** Deletes the table; does nothing where there is none. */
export function removeFirewall(host: Host, { table }: { table: string }): void {
  try {
    new Transaction('ip').deleteTable(table).commit(host.nft);
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error;
  }
}
