/** `--network`, in short (`web`) and in full (`name=web,alias=db,ip=10.0.0.5`), and the flags that speak of the first. */
import { StackError } from '#spec/errors';
import { endpointConfig, type EndpointChoice } from '../client/endpoint-config.ts';
import { UsageError, splitOnce } from '../command-line/parse.ts';
import { splitCsv } from './devices.ts';

interface Attachment extends EndpointChoice {
  target: string;
}

/** The older flags, which mean the first network. */
export interface NetworkFlags {
  network: readonly string[];
  'network-alias': readonly string[];
  link: readonly string[];
  ip?: string | undefined;
  ip6?: string | undefined;
  'link-local-ip': readonly string[];
  'mac-address'?: string | undefined;
}

export interface NetworkChoice {
  mode: string;
  macAddress: string | undefined;
  endpoints: Record<string, object>;
}

/** Throws {@link UsageError} or invalid_argument, in docker's words. */
export function parseNetworks(flags: NetworkFlags): NetworkChoice {
  const macAddress = flags['mac-address'];
  if (macAddress !== undefined) checkMac(macAddress);
  const given = flags.network.map(parseAttachment);
  const attachments = given.length > 0 ? given : [{ target: 'default' }];
  const endpoints: Record<string, object> = {};
  for (const [index, attachment] of attachments.entries()) {
    const { target, ...choice } = index === 0 ? withFlags(attachment, flags) : attachment;
    if (target.trim() === '') throw invalid('no name set for network');
    if (Object.hasOwn(endpoints, target)) {
      throw invalid(`network "${target}" is specified multiple times`);
    }
    if (!isUserDefined(target)) checkNotUserDefined(choice);
    if (choice.macAddress !== undefined) checkMac(choice.macAddress);
    const config = endpointConfig(choice);
    // One network without wishes is the daemon's to fill in.
    if (attachments.length > 1 || Object.keys(config).length > 0) endpoints[target] = config;
  }
  const userDefined = attachments.filter(({ target }) => isUserDefined(target)).length;
  if (userDefined > 0 && userDefined < attachments.length) {
    throw invalid(
      'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
    );
  }
  const mode = attachments[0]?.target ?? 'default';
  const main = endpoints[mode] as { MacAddress?: string } | undefined;
  return { mode, macAddress: main?.MacAddress ?? macAddress, endpoints };
}

/** Not one of docker's own: those take no aliases. */
function isUserDefined(target: string): boolean {
  return (
    !['default', 'bridge', 'host', 'none'].includes(target) && !target.startsWith('container:')
  );
}

function parseAttachment(value: string): Attachment {
  if (!/\w+=\w+/.test(value)) return { target: value };
  const wrong = (reason: string): UsageError =>
    new UsageError(`invalid argument "${value}" for "--network" flag: ${reason}`);
  const aliases: string[] = [];
  const linkLocalIps: string[] = [];
  const driverOptions: Record<string, string> = {};
  const attachment: { -readonly [Key in keyof Attachment]: Attachment[Key] } = { target: '' };
  for (const field of splitCsv(value)) {
    const [name, given] = splitOnce(field.toLowerCase(), '=');
    if (given === undefined || name === '') throw wrong(`invalid field ${field}`);
    const content = given.trim();
    switch (name.trim()) {
      case 'name':
        attachment.target = content;
        break;
      case 'alias':
        aliases.push(content);
        break;
      case 'ip':
        attachment.ipv4 = content;
        break;
      case 'ip6':
        attachment.ipv6 = content;
        break;
      case 'mac-address':
        attachment.macAddress = content;
        break;
      case 'link-local-ip':
        linkLocalIps.push(content);
        break;
      case 'driver-opt': {
        const [key, option] = splitOnce(content, '=');
        if (option === undefined) throw wrong('invalid key value pair format in driver options');
        driverOptions[key.trim()] = option.trim();
        break;
      }
      case 'gw-priority':
        if (!/^[+-]?\d+$/.test(content)) {
          throw wrong(`invalid gw-priority (${content}): invalid syntax`);
        }
        attachment.gatewayPriority = Number(content);
        break;
      default:
        throw wrong(`invalid field key ${name}`);
    }
  }
  if (attachment.target === '') throw wrong('network name/id is not specified');
  return { ...attachment, aliases, linkLocalIps, driverOptions };
}

function withFlags(attachment: Attachment, flags: NetworkFlags): Attachment {
  const { 'network-alias': aliases, link, ip, ip6, 'link-local-ip': linkLocalIps } = flags;
  const conflict = (flag: string, what: string): StackError =>
    invalid(`conflicting options: cannot specify both --${flag} and per-network ${what}`);
  const { aliases: own = [], linkLocalIps: ownLocal = [] } = attachment;
  if (own.length > 0 && aliases.length > 0) throw conflict('network-alias', 'alias');
  if (attachment.ipv4 !== undefined && ip !== undefined) throw conflict('ip', 'IPv4 address');
  if (attachment.ipv6 !== undefined && ip6 !== undefined) throw conflict('ip6', 'IPv6 address');
  if (attachment.macAddress !== undefined && flags['mac-address'] !== undefined) {
    throw conflict('mac-address', 'MAC address');
  }
  if (ownLocal.length > 0 && linkLocalIps.length > 0) {
    throw conflict('link-local-ip', 'link-local IP addresses');
  }
  return {
    ...attachment,
    aliases: aliases.length > 0 ? aliases : own,
    linkLocalIps: linkLocalIps.length > 0 ? linkLocalIps : ownLocal,
    // On the default bridge a link is the container's, not the endpoint's.
    ...(link.length > 0 && isUserDefined(attachment.target) && { links: link }),
    ...(ip !== undefined && { ipv4: ip }),
    ...(ip6 !== undefined && { ipv6: ip6 }),
    ...(flags['mac-address'] !== undefined && { macAddress: flags['mac-address'] }),
  };
}

function checkNotUserDefined({ aliases = [], links = [] }: EndpointChoice): void {
  if (aliases.length > 0) {
    throw invalid('network-scoped aliases are only supported for user-defined networks');
  }
  if (links.length > 0) throw invalid('links are only supported for user-defined networks');
}

function checkMac(address: string): void {
  if (!/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(address.trim())) {
    throw invalid(`${address} is not a valid mac address`);
  }
}

function invalid(reason: string): StackError {
  return new StackError('invalid_argument', reason);
}
