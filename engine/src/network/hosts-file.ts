/** /etc/hosts and /etc/hostname of a container, as docker writes them. */

/** What every container's /etc/hosts begins with. */
const defaultHosts = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'ff00::0\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/** An address of --add-host that stands for the machine itself. */
const hostGateway = 'host-gateway';

/** Whether an entry of --add-host needs to know the machine's address. */
export function needsHostGateway(extraHost: string): boolean {
  return extraHost.slice(extraHost.search(/[:=]/) + 1) === hostGateway;
}

export interface HostsFile {
  /** In each of its networks; without one (network none) the container's name is not listed. */
  readonly ipAddresses?: readonly string[];
  readonly hostname: string;
  readonly domainname?: string;
  /** `--add-host`, as `name:address`; the address `host-gateway` stands for `gateways`. */
  readonly extraHosts?: readonly string[];
  readonly gateways?: readonly string[];
  /** Lines for containers that it has links to. */
  readonly links?: readonly string[];
}

/** The content of /etc/hosts for a network namespace of its own. */
export function hostsFile({
  ipAddresses = [],
  hostname,
  domainname = '',
  extraHosts = [],
  gateways = [],
  links = [],
}: HostsFile): string {
  const own = ipAddresses.map((address) => ownLine(address, hostname, domainname));
  return lines([
    ...defaultHosts,
    ...extraHosts.flatMap((host) => linesOf(host, gateways)),
    ...links,
    ...own,
  ]);
}

/** The content of /etc/hosts in the host's namespace: the host's own file and what was added. */
export function hostsFileOfHost(
  hostFile: string,
  extraHosts: readonly string[] = [],
  gateways: readonly string[] = [],
): string {
  const end = hostFile === '' || hostFile.endsWith('\n') ? '' : '\n';
  return hostFile + end + lines(extraHosts.flatMap((host) => linesOf(host, gateways)));
}

/** The content of /etc/hostname. */
export function hostnameFile(hostname: string): string {
  return `${hostname}\n`;
}

/** The container's own line for one of its addresses. */
export function ownLine(address: string, hostname: string, domainname: string): string {
  return `${address}\t${namesOf(hostname, domainname)}`;
}

/** The full name, then the bare one: `web.example.org web`. The hostname may itself be a full name. */
function namesOf(hostname: string, domainname: string): string {
  const full = domainname === '' ? hostname : `${hostname}.${domainname}`;
  const [bare = full] = full.split('.', 1);
  return bare === full ? full : `${full} ${bare}`;
}

/** `name:address` or `name=address`; an IPv6 address may have brackets. */
function linesOf(text: string, gateways: readonly string[]): string[] {
  const separator = text.search(/[:=]/);
  const name = text.slice(0, separator);
  const address = text.slice(separator + 1).replace(/^\[(.*)\]$/, '$1');
  const addresses = address === hostGateway ? gateways : [address];
  return addresses.map((item) => `${item}\t${name}`);
}

function lines(content: readonly string[]): string {
  return content.map((line) => `${line}\n`).join('');
}
