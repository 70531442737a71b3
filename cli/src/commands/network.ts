/** `engine network ls|inspect|rm|connect|disconnect` */
import { isStackError } from '#spec/errors';
import { endpointConfig } from '../client/endpoint-config.ts';
import { defineCommand, forEachName } from '../command-line/command.ts';
import { boolean, format, list, text } from '../command-line/flags.ts';
import { commaSeparated, keyValues } from '../command-line/parse.ts';
import { filterQuery } from '../client/filters.ts';
import { chosenFormat } from '../config/settings.ts';
import { printRows } from '../format/listing.ts';
import { fractionOf, goTime } from '../format/timestamp.ts';
import { shortId, showLabels } from '../format/truncate.ts';
import { parseInteger } from '../format/units.ts';
import { printInspected } from './inspect.ts';

interface Network {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  Internal: boolean;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  Created: string;
  Labels?: Record<string, string> | null;
}

export const networkList = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    filter: list('Provide filter values (e.g. "driver=bridge")', 'f', 'filter'),
    format: format(),
    'no-trunc': boolean('Do not truncate the output'),
    quiet: boolean('Only display network IDs', 'q'),
  },
  async run({ client }, values) {
    const networks = await client.json<Network[]>('GET', '/networks', {
      query: { filters: filterQuery(values.filter) },
    });
    const rows = networks.map(({ Id, Name, Driver, Scope, Labels, ...network }) => ({
      ID: values['no-trunc'] ? Id : shortId(Id),
      ...{ Name, Driver, Scope },
      IPv4: String(network.EnableIPv4 ?? false),
      IPv6: String(network.EnableIPv6 ?? false),
      Internal: String(network.Internal),
      Labels: showLabels(Labels),
      Label: (name: string) => Labels?.[name] ?? '',
      CreatedAt: goTime(Date.parse(network.Created) / 1000, fractionOf(network.Created)),
    }));
    rows.sort((a, b) => (a.Name < b.Name ? -1 : 1));
    printRows(rows, {
      format: chosenFormat(values.format, 'networksFormat'),
      quiet: values.quiet ? 'ID' : undefined,
      columns: [
        ['NETWORK ID', 'ID'],
        ['NAME', 'Name'],
        ['DRIVER', 'Driver'],
        ['SCOPE', 'Scope'],
      ],
      headings: {
        ...{ IPv4: 'IPV4', IPv6: 'IPV6', Internal: 'INTERNAL', Labels: 'LABELS' },
        CreatedAt: 'CREATED AT',
      },
    });
    return 0;
  },
});

export const networkInspect = defineCommand({
  synopsis: '[OPTIONS] NETWORK [NETWORK...]',
  arguments: { min: 1 },
  flags: {
    format: format('f', false),
    verbose: boolean('Verbose output for diagnostics', 'v'),
  },
  async run({ client }, { format, verbose }, names) {
    const query = verbose ? { verbose: 'true' } : {};
    return printInspected(names, format, (name) =>
      client.json('GET', `/networks/${name}`, { query }),
    );
  },
});

export const networkRemove = defineCommand({
  synopsis: 'NETWORK [NETWORK...]',
  arguments: { min: 1 },
  flags: { force: boolean('Do not error if the network does not exist', 'f') },
  async run({ client }, { force }, names) {
    return forEachName(names, async (name) => {
      try {
        await client.json('DELETE', `/networks/${name}`);
      } catch (error) {
        if (!force || !isStackError(error, 'not_found')) throw error;
        return;
      }
      process.stdout.write(`${name}\n`);
    });
  },
});

export const networkConnect = defineCommand({
  synopsis: '[OPTIONS] NETWORK CONTAINER',
  arguments: { min: 2, max: 2 },
  flags: {
    alias: list('Add network-scoped alias for the container', undefined, 'strings'),
    'driver-opt': list('driver options for the network', undefined, 'strings'),
    'gw-priority': text(
      'Highest gw-priority provides the default gateway. Accepts positive and negative values.',
      undefined,
      'int',
    ),
    ip: text('IPv4 address (e.g., "172.30.100.104")'),
    ip6: text('IPv6 address (e.g., "2001:db8::33")'),
    link: list('Add link to another container'),
    'link-local-ip': list('Add a link-local address for the container', undefined, 'strings'),
  },
  async run({ client }, values, [network = '', container = '']) {
    const priority = values['gw-priority'];
    await client.json('POST', `/networks/${network}/connect`, {
      body: {
        Container: container,
        EndpointConfig: endpointConfig({
          aliases: commaSeparated(values.alias),
          driverOptions: keyValues(commaSeparated(values['driver-opt'])),
          gatewayPriority:
            priority === undefined ? undefined : parseInteger(priority, '--gw-priority'),
          ipv4: values.ip,
          ipv6: values.ip6,
          links: values.link,
          linkLocalIps: commaSeparated(values['link-local-ip']),
        }),
      },
    });
    return 0;
  },
});

export const networkDisconnect = defineCommand({
  synopsis: '[OPTIONS] NETWORK CONTAINER',
  arguments: { min: 2, max: 2 },
  flags: { force: boolean('Force the container to disconnect from a network', 'f') },
  async run({ client }, { force }, [network = '', container = '']) {
    await client.json('POST', `/networks/${network}/disconnect`, {
      body: { Container: container, Force: force },
    });
    return 0;
  },
});
