/** `engine network create` */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { StackError } from '#spec/errors';
import { defineCommand } from '../command-line/command.ts';
import { boolean, list, text } from '../command-line/flags.ts';
import { commaSeparated, keyValues } from '../command-line/parse.ts';

export const networkCreate = defineCommand({
  synopsis: '[OPTIONS] NETWORK',
  arguments: { min: 1, max: 1 },
  flags: {
    attachable: boolean('Enable manual container attachment'),
    'aux-address': list(
      'Auxiliary IPv4 or IPv6 addresses used by Network driver',
      undefined,
      'map',
      'map[]',
    ),
    'config-from': text('The network from which to copy the configuration'),
    'config-only': boolean('Create a configuration only network'),
    driver: text('Driver to manage the Network', 'd', 'string', '"bridge"'),
    gateway: list('IPv4 or IPv6 Gateway for the master subnet', undefined, 'strings'),
    ingress: boolean('Create swarm routing-mesh network'),
    internal: boolean('Restrict external access to the network'),
    'ip-range': list('Allocate container ip from a sub-range', undefined, 'strings'),
    'ipam-driver': text('IP Address Management Driver', undefined, 'string', '"default"'),
    'ipam-opt': list('Set IPAM driver specific options', undefined, 'map', 'map[]'),
    ipv4: boolean('Enable or disable IPv4 address assignment', undefined, true),
    ipv6: boolean('Enable or disable IPv6 address assignment'),
    label: list('Set metadata on a network'),
    opt: list('Set driver specific options', 'o', 'map', 'map[]'),
    scope: text("Control the network's scope"),
    subnet: list('Subnet in CIDR format that represents a network segment', undefined, 'strings'),
  },
  async run({ client }, values, [name = '']) {
    const { attachable, driver = 'bridge', ingress, internal, scope } = values;
    const configFrom = values['config-from'];
    const { Id, Warning } = await client.json<{ Id: string; Warning?: string }>(
      'POST',
      '/networks/create',
      {
        body: {
          Name: name,
          Driver: driver,
          Internal: internal,
          Attachable: attachable,
          Ingress: ingress,
          ConfigOnly: values['config-only'],
          ...(configFrom !== undefined && { ConfigFrom: { Network: configFrom } }),
          ...(scope !== undefined && { Scope: scope }),
          ...(!values.ipv4 && { EnableIPv4: false }),
          ...(values.ipv6 && { EnableIPv6: true }),
          IPAM: {
            Driver: values['ipam-driver'] ?? 'default',
            Options: keyValues(values['ipam-opt']),
            Config: ipamConfig({
              subnets: commaSeparated(values.subnet),
              ranges: commaSeparated(values['ip-range']),
              gateways: commaSeparated(values.gateway),
              auxiliary: keyValues(values['aux-address']),
            }),
          },
          Options: keyValues(values.opt),
          Labels: keyValues(values.label),
        },
      },
    );
    if (Warning !== undefined && Warning !== '') process.stderr.write(`WARNING: ${Warning}\n`);
    process.stdout.write(`${Id}\n`);
    return 0;
  },
});

export interface AddressFlags {
  subnets: readonly string[];
  ranges: readonly string[];
  gateways: readonly string[];
  auxiliary: Readonly<Record<string, string>>;
}

interface IpamConfig {
  Subnet: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses: Record<string, string>;
}

/** Gives each range, gateway and address to the subnet that it lies in. Throws invalid_argument where none does. */
export function ipamConfig({ subnets, ranges, gateways, auxiliary }: AddressFlags): IpamConfig[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw invalid('every ip-range or gateway must have a corresponding subnet');
  }
  const blocks = subnets.map((subnet) => ({ block: blockOf(subnet), subnet }));
  for (const [index, { subnet, block }] of blocks.entries()) {
    const others = blocks.slice(0, index);
    if (others.some((other) => contains(other.block, subnet) || contains(block, other.subnet))) {
      throw invalid('multiple overlapping subnet configuration is not supported');
    }
  }
  const configs: { block: BlockList; config: IpamConfig }[] = blocks.map(({ block, subnet }) => ({
    block,
    config: { Subnet: subnet, AuxiliaryAddresses: {} },
  }));
  const find = (what: string, address: string): IpamConfig => {
    const found = configs.find(({ block }) => contains(block, address));
    if (!found) throw invalid(`no matching subnet for ${what} ${address}`);
    return found.config;
  };
  for (const range of ranges) {
    const config = find('range', range);
    if (config.IPRange !== undefined) {
      throw invalid(
        `cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`,
      );
    }
    config.IPRange = range;
  }
  for (const gateway of gateways) {
    const config = find('gateway', gateway);
    if (config.Gateway !== undefined) {
      throw invalid(
        `cannot configure multiple gateways (${gateway}, ${config.Gateway}) for the same subnet (${config.Subnet})`,
      );
    }
    config.Gateway = gateway;
  }
  for (const [key, address] of Object.entries(auxiliary)) {
    find('aux-address', address).AuxiliaryAddresses[key] = address;
  }
  return configs.map(({ config }) => config);
}

function blockOf(subnet: string): BlockList {
  const [address = '', length = ''] = subnet.split('/');
  const bits = Number(length);
  const isFour = isIPv4(address);
  if ((!isFour && !isIPv6(address)) || !/^\d+$/.test(length) || bits > (isFour ? 32 : 128)) {
    throw invalid(`invalid subnet: invalid CIDR address: ${subnet}`);
  }
  const block = new BlockList();
  block.addSubnet(address, bits, isFour ? 'ipv4' : 'ipv6');
  return block;
}

function contains(block: BlockList, address: string): boolean {
  const [plain = ''] = address.split('/');
  if (!isIPv4(plain) && !isIPv6(plain)) throw invalid(`invalid IP address: ${address}`);
  return block.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}

function invalid(reason: string): StackError {
  return new StackError('invalid_argument', reason);
}
