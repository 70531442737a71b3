/** One table of the engine's rules: `ip engined_engine0`, and `ip6 engined_engine0` where a network has IPv6. */
import { broadcastOf, ipv4Bytes, networkOf, parseIpv4 } from '#lib/netlink/ipv4';
import { ipv6Bytes, lastOfIpv6, networkOfIpv6, parseIpv6 } from '#lib/netlink/ipv6';
import {
  connectionIsPublished,
  connectionState,
  counter,
  ifname,
  interfaceIn,
  interfacePairIn,
  portBytes,
  transportProtocols,
  verdict,
  type Phrase,
} from '#lib/nft/expression';
import {
  addressIn,
  destinationIsLocal,
  destinationIsNot,
  destinationNatByMap,
  masquerade,
  type AddressFamily,
} from '#lib/nft/nat';
import { priorities, Transaction, type SetElement, type setKeys } from '#lib/nft/transaction';
import type { FirewalledNetwork, FirewallRequest, RedirectedPort } from './firewall.ts';

/** The set of bridges that docker isolates. */
export const dockerBridges = 'docker_bridges';
const answers = ['established', 'related'] as const;
const intoDocker = [interfaceIn('iifname', 'bridges'), interfaceIn('oifname', dockerBridges)];

/** What the two tables differ in. */
interface Traits {
  readonly address: keyof typeof setKeys;
  readonly addressProtocolAndPort: keyof typeof setKeys;
  readonly addressAndPort: keyof typeof setKeys;
  /** Of an address as text. */
  readonly bytes: (address: string) => Buffer;
  /** The subnet whose packets leave under another address; undefined for none. */
  readonly masqueraded: (network: FirewalledNetwork) => SetElement | undefined;
  /** Prefixes of whole bytes that stay with the listener: answers from there would not come back. */
  readonly notRedirected: readonly Buffer[];
}

const traits: Readonly<Record<AddressFamily, Traits>> = {
  ip: {
    address: 'ipv4Address',
    addressProtocolAndPort: 'addressProtocolAndPort',
    addressAndPort: 'addressAndPort',
    bytes: (address) => ipv4Bytes(parseIpv4(address)),
    masqueraded: ({ subnet }) => ({
      key: ipv4Bytes(networkOf(subnet).address),
      end: ipv4Bytes(broadcastOf(subnet) + 1),
    }),
    notRedirected: [Buffer.from([127])],
  },
  ip6: {
    address: 'ipv6Address',
    addressProtocolAndPort: 'ipv6ProtocolAndPort',
    addressAndPort: 'ipv6AndPort',
    bytes: (address) => ipv6Bytes(parseIpv6(address)),
    masqueraded: ({ ipv6Subnet }) =>
      ipv6Subnet && {
        key: ipv6Bytes(networkOfIpv6(ipv6Subnet).address),
        end: ipv6Bytes(lastOfIpv6(ipv6Subnet) + 1n),
      },
    notRedirected: [ipv6Bytes(1n), Buffer.from([0xfe, 0x80])],
  },
};

/**
 * The transaction that writes the table anew:
 * internal bridges are left and entered by nothing;
 * packets from our subnets get the address of the link they leave by, unless that is a bridge of ours;
 * into a bridge come only answers, neighbours on the same bridge, and what came through a published port;
 * docker's bridges are reached by answers and through docker's published ports only.
 * The rules are fixed; networks are elements of sets.
 */
export function tableTransaction(
  family: AddressFamily,
  { table, networks, ports }: FirewallRequest,
): Transaction {
  const { address, masqueraded } = traits[family];
  const names = networks.map(({ bridge }) => ifname(bridge));
  const subnets = networks
    .filter((network) => !network.internal && network.masquerade)
    .flatMap((network) => masqueraded(network) ?? []);
  const transaction = new Transaction(family)
    .replaceTable(table)
    .addSet(table, { name: 'bridges', key: 'interfaceName' })
    .addSet(table, { name: dockerBridges, key: 'interfaceName' })
    .addSet(table, { name: 'internal', key: 'interfaceName' })
    .addSet(table, { name: 'same_bridge', key: 'interfacePair' })
    .addSet(table, { name: 'subnets', key: address, interval: true })
    .addElements(
      table,
      'bridges',
      names.map((key) => ({ key })),
    )
    .addElements(
      table,
      'internal',
      networks.filter(({ internal }) => internal).map(({ bridge }) => ({ key: ifname(bridge) })),
    )
    .addElements(
      table,
      'same_bridge',
      names.map((name) => ({ key: Buffer.concat([name, name]) })),
    )
    .addElements(table, 'subnets', subnets)
    .addChain(table, {
      name: 'postrouting',
      type: 'nat',
      hook: 'postrouting',
      priority: priorities.srcnat,
    })
    .addRule(table, 'postrouting', [
      addressIn('saddr', 'subnets', family),
      interfaceIn('oifname', 'bridges', { inverted: true }),
      counter(),
      masquerade(),
    ])
    .addChain(table, {
      name: 'forward',
      type: 'filter',
      hook: 'forward',
      priority: priorities.filter,
    });
  for (const rule of forwarding) transaction.addRule(table, 'forward', rule);
  addRedirections(transaction, family, table, ports);
  return transaction;
}

/** What is forwarded, in order. */
const forwarding: readonly (readonly Phrase[])[] = [
  [interfacePairIn('same_bridge'), verdict('accept')],
  [interfaceIn('iifname', 'internal'), counter(), verdict('drop')],
  [interfaceIn('oifname', 'internal'), counter(), verdict('drop')],
  [interfaceIn('oifname', 'bridges'), connectionState(...answers), verdict('accept')],
  [interfaceIn('oifname', 'bridges'), connectionIsPublished(), verdict('accept')],
  [interfaceIn('oifname', 'bridges'), counter(), verdict('drop')],
  [...intoDocker, connectionState(...answers), verdict('accept')],
  [...intoDocker, connectionIsPublished(), verdict('accept')],
  [...intoDocker, counter(), verdict('drop')],
];

/**
 * Packets for an address of this machine go to the container whose port it is: those from outside and of the machine's
 * own processes. Loopback and our own containers use the listener of engined, because answers would not come back here.
 */
function addRedirections(
  transaction: Transaction,
  family: AddressFamily,
  table: string,
  ports: readonly RedirectedPort[],
): void {
  const { addressProtocolAndPort, addressAndPort, notRedirected } = traits[family];
  const { anywhere, somewhere } = redirectionElements(family, ports);
  transaction
    .addSet(table, { name: 'published', key: 'protocolAndPort', data: addressAndPort })
    .addSet(table, { name: 'published_at', key: addressProtocolAndPort, data: addressAndPort })
    .addElements(table, 'published', anywhere)
    .addElements(table, 'published_at', somewhere);
  const conditions = {
    prerouting: [interfaceIn('iifname', 'bridges', { inverted: true })],
    output: [],
  };
  for (const hook of ['prerouting', 'output'] as const) {
    transaction.addChain(table, { name: hook, type: 'nat', hook, priority: priorities.dstnat });
    for (const map of ['published_at', 'published'] as const) {
      transaction.addRule(table, hook, [
        ...conditions[hook],
        ...notRedirected.map((prefix) => destinationIsNot(prefix, family)),
        destinationIsLocal(),
        destinationNatByMap(map, { byAddress: map === 'published_at', family }),
      ]);
    }
  }
}

/** The elements of the two maps of published ports, for the ports that lead to addresses of this family. */
export function redirectionElements(
  family: AddressFamily,
  ports: readonly RedirectedPort[],
): {
  anywhere: SetElement[];
  somewhere: SetElement[];
} {
  const { bytes } = traits[family];
  const anywhere: SetElement[] = [];
  const somewhere: SetElement[] = [];
  for (const { protocol, hostPort, hostAddress, address, port } of ports) {
    if (address.includes(':') !== (family === 'ip6')) continue;
    const place = [
      padded(Buffer.from([transportProtocols[protocol]])),
      padded(portBytes(hostPort)),
    ];
    const value = Buffer.concat([bytes(address), padded(portBytes(port))]);
    if (hostAddress === undefined) anywhere.push({ key: Buffer.concat(place), value });
    else somewhere.push({ key: Buffer.concat([bytes(hostAddress), ...place]), value });
  }
  return { anywhere, somewhere };
}

/** Each part of a concatenation fills whole registers of 4 bytes. */
function padded(bytes: Buffer): Buffer {
  const register = Buffer.alloc(4);
  bytes.copy(register);
  return register;
}
