/** What the options mean, checked: what the rest of the daemon is given. */
import { logLevels, type LogFormat, type LogLevel } from '#lib/log/logger';
import { parseInsecureRegistry, parseMirror } from '#lib/registry/endpoints';
import { checkedTransferLimits, type TransferLimits } from '#lib/registry/transfer-limits';
import { StackError } from '#spec/errors';
import { defaultSocket, parseListenAddress } from '../http/listen-address.ts';
import type { NetworkFlags } from '../network/network-options.ts';
import type { TlsFiles } from '../http/tls.ts';
import { parseMetricsAddress } from '../metrics/metrics-server.ts';
import { containerDefaults, type ContainerDefaults } from './container-defaults.ts';
import { parseBoolean, type OptionValues } from './option-values.ts';

export interface EngineOptions {
  hosts: string[];
  /** Of the unix socket; undefined for the default, empty for none. */
  socketGroup: string | undefined;
  tls: TlsFiles | undefined;
  dataRoot: string;
  execRoot: string;
  /** Address of a containerd that already runs; undefined starts one. */
  containerd: string | undefined;
  containerdNamespace: string;
  pidfile: string | undefined;
  network: NetworkFlags;
  /** Of this process; undefined leaves it as it is. */
  oomScoreAdjust: number | undefined;
  cgroupParent: string;
  /** Whose subordinate ids containers have; undefined for the host's ids. */
  usernsRemap: string | undefined;
  storageDriver: string;
  /** What containers get that choose no log driver. */
  logDriver: string;
  logOptions: Readonly<Record<string, string>>;
  metricsAddress: string | undefined;
  logLevel: LogLevel;
  logFormat: LogFormat;
  reloadable: ReloadableOptions;
}

/** What SIGHUP can change. */
export interface ReloadableOptions {
  debug: boolean;
  insecureRegistries: readonly string[];
  transfers: TransferLimits;
  registryMirrors: readonly string[];
  /** Path by name. */
  runtimes: Readonly<Record<string, string>>;
  defaultRuntime: string | undefined;
  /** `key=value`, or `key` alone. */
  labels: readonly string[];
  /** Negative for as long as it takes. */
  shutdownTimeoutSeconds: number;
  features: Readonly<Record<string, boolean>>;
  containers: ContainerDefaults;
}

/** Throws invalid_argument for values that mean nothing. */
export function engineOptions(values: OptionValues): EngineOptions {
  values.list('exec-opt').forEach(checkExecOption);
  return {
    hosts: hostsOf(values.list('host')),
    socketGroup: values.text('group'),
    tls: tlsOf(values),
    dataRoot: values.text('data-root') ?? '/var/lib/engine',
    execRoot: values.text('exec-root') ?? '/run/engine',
    containerd: values.text('containerd') || undefined,
    containerdNamespace: values.text('containerd-namespace') ?? 'engine',
    pidfile: values.text('pidfile') || undefined,
    network: networkFlags(values),
    oomScoreAdjust: oomScoreOf(values.integer('oom-score-adjust')),
    cgroupParent: values.text('cgroup-parent') || '/engine',
    usernsRemap: values.text('userns-remap') || undefined,
    storageDriver: values.text('storage-driver') || 'overlayfs',
    logDriver: values.text('log-driver') || 'json-file',
    logOptions: Object.fromEntries(values.list('log-opt').map(logOption)),
    metricsAddress: metricsAddressOf(values.text('metrics-addr')),
    logLevel: logLevelOf(values.text('log-level')),
    logFormat: logFormatOf(values.text('log-format')),
    reloadable: reloadableOptions(values),
  };
}

/** The part of `values` that SIGHUP can change. Throws invalid_argument. */
export function reloadableOptions(values: OptionValues): ReloadableOptions {
  if (values.boolean('live-restore') === false) {
    throw new StackError(
      'invalid_argument',
      'live-restore cannot be turned off: containers always survive this engine',
    );
  }
  return {
    debug: values.boolean('debug') ?? false,
    insecureRegistries: insecureRegistriesOf(values.list('insecure-registry')),
    transfers: checkedTransferLimits({
      downloads: values.integer('max-concurrent-downloads'),
      uploads: values.integer('max-concurrent-uploads'),
      downloadAttempts: values.integer('max-download-attempts'),
    }),
    registryMirrors: mirrorsOf(values.list('registry-mirror')),
    runtimes: Object.fromEntries(values.list('add-runtime').map(runtimePair)),
    defaultRuntime: values.text('default-runtime') || undefined,
    labels: labelsOf(values.list('label')),
    shutdownTimeoutSeconds: values.integer('shutdown-timeout') ?? 15,
    features: Object.fromEntries(values.list('feature').map(feature)),
    containers: containerDefaults(values),
  };
}

function networkFlags(values: OptionValues): NetworkFlags {
  const pools = values.list('default-address-pool');
  const hostGateways = values.list('host-gateway-ip');
  return {
    bridge: values.text('bridge') || undefined,
    bip: values.text('bip') || undefined,
    fixedCidr: values.text('fixed-cidr') || undefined,
    ipv6: values.boolean('ipv6'),
    fixedCidrV6: values.text('fixed-cidr-v6') || undefined,
    defaultAddressPool: pools.length > 0 ? pools : undefined,
    icc: values.boolean('icc'),
    ip: values.text('ip') || undefined,
    ipMasq: values.boolean('ip-masq'),
    hostGatewayIp: hostGateways.length > 0 ? hostGateways : undefined,
    mtu: mtuOf(values.integer('mtu')),
    firewallIntegration: values.text('firewall-integration'),
  };
}

function mirrorsOf(urls: string[]): string[] {
  for (const url of urls) parseMirror(url);
  return urls;
}

function insecureRegistriesOf(registries: string[]): string[] {
  for (const registry of registries) parseInsecureRegistry(registry);
  return registries;
}

function hostsOf(given: readonly string[]): string[] {
  const hosts = [...new Set(given.length > 0 ? given : [`unix://${defaultSocket}`])];
  for (const host of hosts) parseListenAddress(host);
  return hosts;
}

/** docker's rules: whoever names tlsverify, even to turn it off, wants TLS; TLS verifies unless that is turned off. */
function tlsOf(values: OptionValues): TlsFiles | undefined {
  const verify = values.boolean('tlsverify');
  if (verify === undefined && values.boolean('tls') !== true) return undefined;
  return {
    verify: verify ?? true,
    caFile: values.text('tlscacert') ?? '/etc/engine/ca.pem',
    certFile: values.text('tlscert') ?? '/etc/engine/cert.pem',
    keyFile: values.text('tlskey') ?? '/etc/engine/key.pem',
  };
}

function metricsAddressOf(address: string | undefined): string | undefined {
  if (!address) return undefined;
  parseMetricsAddress(address);
  return address;
}

function oomScoreOf(score: number | undefined): number | undefined {
  if (score !== undefined && Math.abs(score) > 1000) {
    throw new StackError(
      'invalid_argument',
      `invalid oom-score-adjust: ${score}: it must be -1000 to 1000`,
    );
  }
  return score;
}

/** docker knows one: who makes the cgroups. */
function checkExecOption(text: string): void {
  const [, key, value] = /^\s*([^=]+?)\s*=\s*(\S+)\s*$/.exec(text) ?? [];
  const driver = key?.toLowerCase() === 'native.cgroupdriver' ? value : undefined;
  if (driver === 'cgroupfs') return;
  if (driver === 'systemd') {
    throw new StackError('unimplemented', `exec-opt ${text} is not implemented by this engine`);
  }
  const reason =
    key === undefined
      ? "must be formatted 'opt=value'"
      : driver === undefined
        ? 'unknown option'
        : 'native.cgroupdriver must be "cgroupfs" or "systemd"';
  throw new StackError('invalid_argument', `invalid exec-opt (${text}): ${reason}`);
}

/** `name`, `name=true`. */
function feature(text: string): [string, boolean] {
  const [name = '', value = 'true'] = text.split('=', 2);
  const enabled = parseBoolean(value);
  if (name === '' || enabled === undefined) {
    throw new StackError(
      'invalid_argument',
      `invalid feature "${text}": it is not name=true|false`,
    );
  }
  return [name, enabled];
}

function mtuOf(bytes: number | undefined): number | undefined {
  if (bytes !== undefined && bytes < 0) {
    throw new StackError('invalid_argument', `invalid default MTU: ${bytes}`);
  }
  return bytes || undefined;
}

function logLevelOf(text = 'info'): LogLevel {
  const name = text.toLowerCase();
  const level = logLevels.find((known) => known === (name === 'panic' ? 'fatal' : name));
  if (!level) throw new StackError('invalid_argument', `invalid logging level: ${text}`);
  return level;
}

function logFormatOf(text = 'json'): LogFormat {
  if (text === 'json' || text === 'text') return text;
  throw new StackError('invalid_argument', `invalid log format: ${text}`);
}

/** `name=value`; docker takes a name alone as well, for an empty value. */
function logOption(text: string): [string, string] {
  const separator = text.indexOf('=');
  return separator < 0 ? [text, ''] : [text.slice(0, separator), text.slice(separator + 1)];
}

/** `name=path`. */
function runtimePair(text: string): [string, string] {
  const [, name, path] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || path === undefined) {
    throw new StackError('invalid_argument', `invalid runtime "${text}": it is not name=path`);
  }
  return [name, path];
}

/** docker's rules: a key is one word, and has one value. */
function labelsOf(labels: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const label of labels) {
    const [key = '', ...rest] = label.split('=');
    if (key === '' || /\s/.test(key)) {
      throw new StackError(
        'invalid_argument',
        `invalid label '${label}': ${key === '' ? 'empty name' : `label contains whitespaces`}`,
      );
    }
    const value = rest.join('=');
    const earlier = byKey.get(key);
    if (earlier !== undefined && earlier !== value) {
      throw new StackError(
        'invalid_argument',
        `conflict labels for ${key}=${value} and ${key}=${earlier}`,
      );
    }
    byKey.set(key, value);
  }
  return [...new Set(labels)];
}
