/** `engine network create|ls|inspect|rm|connect|disconnect|prune` */
import { defineCommand, forEachName } from '../command-line/command.ts';
import { boolean, list, missing, text } from '../command-line/flags.ts';
import { keyValues } from '../command-line/parse.ts';
import { printRows } from '../format/listing.ts';
import { confirm } from '../terminal/confirm.ts';
import { printInspected } from './inspect.ts';
import { filterQuery } from './ps.ts';

interface Network {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  Internal: boolean;
  Created: string;
}

export const networkCreate = defineCommand({
  name: 'network create',
  synopsis: '[OPTIONS] NETWORK',
  summary: 'Create a network',
  arguments: { min: 1, max: 1 },
  flags: {
    attachable: boolean('Enable manual container attachment'),
    'aux-address': list('Auxiliary IPv4 addresses used by Network driver', undefined, 'map'),
    driver: text('Driver to manage the Network', 'd'),
    gateway: text('IPv4 Gateway for the master subnet'),
    internal: boolean('Restrict external access to the network'),
    'ip-range': text('Allocate container ip from a sub-range'),
    label: list('Set metadata on a network'),
    opt: list('Set driver specific options', 'o', 'map'),
    subnet: text('Subnet in CIDR format that represents a network segment'),
    ...missing(
      ...['config-from', 'config-only', 'ingress', 'ipam-driver', 'ipam-opt'],
      ...['ipv4', 'ipv6', 'scope'],
    ),
  },
  async run({ client }, values, [name = '']) {
    const { attachable, driver = 'bridge', gateway, internal, label, opt, subnet } = values;
    const wantsAddresses = [subnet, gateway, values['ip-range']].some(Boolean);
    const { Id } = await client.json<{ Id: string }>('POST', '/networks/create', {
      body: {
        Name: name,
        Driver: driver,
        Internal: internal,
        Attachable: attachable,
        IPAM: {
          Driver: 'default',
          Config: wantsAddresses
            ? [
                {
                  Subnet: subnet ?? '',
                  IPRange: values['ip-range'] ?? '',
                  Gateway: gateway ?? '',
                  AuxiliaryAddresses: keyValues(values['aux-address']),
                },
              ]
            : [],
        },
        Options: keyValues(opt),
        Labels: keyValues(label),
      },
    });
    process.stdout.write(`${Id}\n`);
    return 0;
  },
});

export const networkList = defineCommand({
  name: 'network ls',
  synopsis: '[OPTIONS]',
  summary: 'List networks',
  arguments: { min: 0, max: 0 },
  flags: {
    filter: list('Provide filter values (e.g. "driver=bridge")', 'f', 'filter'),
    format: text("Format output: 'table', 'json' or a Go template"),
    'no-trunc': boolean('Do not truncate the output'),
    quiet: boolean('Only display network IDs', 'q'),
  },
  async run({ client }, values) {
    const networks = await client.json<Network[]>('GET', '/networks', {
      query: { filters: filterQuery(values.filter) },
    });
    const rows = networks.map(({ Id, Name, Driver, Scope, Internal, Created }) => ({
      ID: values['no-trunc'] ? Id : Id.slice(0, 12),
      ...{ Name, Driver, Scope },
      Internal: String(Internal),
      CreatedAt: Created,
    }));
    rows.sort((a, b) => (a.Name < b.Name ? -1 : 1));
    printRows(rows, {
      format: values.format,
      quiet: values.quiet ? 'ID' : undefined,
      columns: [
        ['NETWORK ID', 'ID'],
        ['NAME', 'Name'],
        ['DRIVER', 'Driver'],
        ['SCOPE', 'Scope'],
      ],
    });
    return 0;
  },
});

export const networkInspect = defineCommand({
  name: 'network inspect',
  synopsis: '[OPTIONS] NETWORK [NETWORK...]',
  summary: 'Display detailed information on one or more networks',
  arguments: { min: 1 },
  flags: { format: text("Format output: 'json' or a Go template", 'f'), ...missing('verbose') },
  async run({ client }, { format }, names) {
    return printInspected(names, format, (name) => client.json('GET', `/networks/${name}`));
  },
});

export const networkRemove = defineCommand({
  name: 'network rm',
  synopsis: 'NETWORK [NETWORK...]',
  summary: 'Remove one or more networks',
  arguments: { min: 1 },
  flags: {},
  async run({ client }, _values, names) {
    return forEachName(names, async (name) => {
      await client.json('DELETE', `/networks/${name}`);
      process.stdout.write(`${name}\n`);
    });
  },
});

export const networkConnect = defineCommand({
  name: 'network connect',
  synopsis: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Connect a container to a network',
  arguments: { min: 2, max: 2 },
  flags: {
    alias: list('Add network-scoped alias for the container'),
    ip: text('IPv4 address (e.g., "172.30.100.104")'),
    ...missing('driver-opt', 'gw-priority', 'ip6', 'link', 'link-local-ip'),
  },
  async run({ client }, { alias, ip }, [network = '', container = '']) {
    await client.json('POST', `/networks/${network}/connect`, {
      body: {
        Container: container,
        EndpointConfig: {
          ...(alias.length > 0 && { Aliases: alias }),
          ...(ip !== undefined && { IPAMConfig: { IPv4Address: ip } }),
        },
      },
    });
    return 0;
  },
});

export const networkDisconnect = defineCommand({
  name: 'network disconnect',
  synopsis: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Disconnect a container from a network',
  arguments: { min: 2, max: 2 },
  flags: { force: boolean('Force the container to disconnect from a network', 'f') },
  async run({ client }, { force }, [network = '', container = '']) {
    await client.json('POST', `/networks/${network}/disconnect`, {
      body: { Container: container, Force: force },
    });
    return 0;
  },
});

export const networkPrune = defineCommand({
  name: 'network prune',
  synopsis: '[OPTIONS]',
  summary: 'Remove all unused networks',
  arguments: { min: 0, max: 0 },
  flags: {
    filter: list('Provide filter values (e.g. "label=<label>")', undefined, 'filter'),
    force: boolean('Do not prompt for confirmation', 'f'),
  },
  async run({ client }, { filter, force }) {
    const warning =
      'WARNING! This will remove all custom networks not used by at least one container.';
    if (!force && !(await confirm(warning))) return 0;
    const { NetworksDeleted: deleted } = await client.json<{ NetworksDeleted: string[] | null }>(
      'POST',
      '/networks/prune',
      { query: { filters: filterQuery(filter) } },
    );
    if (deleted && deleted.length > 0) {
      process.stdout.write(`Deleted Networks:\n${deleted.join('\n')}\n\n`);
    }
    return 0;
  },
});
