/** The command line of engined: dockerd's flags, those that this engine has. */
import fs from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { version } from '#lib/installation/installation';
import { logLevels, type LogLevel } from '#lib/log/logger';
import { StackError } from '#spec/errors';

export interface EngineOptions {
  hosts: string[];
  dataRoot: string;
  execRoot: string;
  /** Address of a containerd that already runs; undefined starts one. */
  containerd: string | undefined;
  containerdNamespace: string;
  pidfile: string | undefined;
  bridge: string | undefined;
  bip: string | undefined;
  defaultAddressPools: string[];
  mtu: number | undefined;
  insecureRegistries: string[];
  registryMirrors: string[];
  /** Path by name. */
  runtimes: Record<string, string>;
  defaultRuntime: string | undefined;
  cgroupParent: string;
  storageDriver: string;
  firewallIntegration: string | undefined;
  logLevel: LogLevel;
}

/** dockerd's flags that are not built, by name. Given, they are refused: silence would promise what does not hold. */
// prettier-ignore
const notBuilt = [
  'add-nri', 'allow-direct-routing', 'allow-nondistributable-artifacts', 'api-cors-header', 'authorization-plugin',
  'bip6', 'bridge-accept-fwmark', 'cdi-spec-dir', 'cluster-advertise', 'cluster-store', 'cluster-store-opt',
  'containerd-plugins-namespace', 'cpu-rt-period', 'cpu-rt-runtime', 'cri-containerd', 'default-cgroupns-mode',
  'default-gateway', 'default-gateway-v6', 'default-ipc-mode', 'default-network-opt', 'default-shm-size',
  'default-ulimit', 'dns', 'dns-opt', 'dns-search', 'exec-opt', 'experimental', 'feature', 'firewall-backend',
  'fixed-cidr', 'fixed-cidr-v6', 'group', 'host-gateway-ip', 'http-proxy', 'https-proxy', 'icc', 'init', 'init-path',
  'ip', 'ip-forward', 'ip-forward-no-drop', 'ip-masq', 'ip6tables', 'iptables', 'ipv6', 'label',
  'log-driver', 'log-format', 'log-opt', 'max-concurrent-downloads', 'max-concurrent-uploads', 'max-download-attempts',
  'metrics-addr', 'network-control-plane-mtu', 'no-new-privileges', 'no-proxy', 'node-generic-resource',
  'oom-score-adjust', 'raw-logs', 'rootless', 'seccomp-profile', 'selinux-enabled', 'shutdown-timeout', 'storage-opt',
  'swarm-default-advertise-addr', 'tls', 'tlscacert', 'tlscert', 'tlskey', 'tlsverify', 'userland-proxy',
  'userland-proxy-path', 'userns-remap', 'validate',
];

interface ParsedFlags {
  host?: string[];
  dataRoot: string;
  execRoot: string;
  containerd?: string;
  containerdNamespace: string;
  configFile: string;
  pidfile?: string;
  bridge?: string;
  bip?: string;
  defaultAddressPool?: string[];
  mtu?: number;
  insecureRegistry?: string[];
  registryMirror?: string[];
  addRuntime?: string[];
  defaultRuntime?: string;
  cgroupParent: string;
  storageDriver: string;
  firewallIntegration?: string;
  logLevel: LogLevel;
  debug?: boolean;
}

/**
 * Reads the arguments after the program's name and the config file. Throws invalid_argument or unimplemented with one
 * sentence; `--help` and `--version` print and end the process.
 */
export function parseFlags(args: readonly string[]): EngineOptions {
  refuseNotBuilt(args);
  const command = createCommand();
  command.parse(args, { from: 'user' });
  const flags = command.opts<ParsedFlags>();
  const given = command.getOptionValueSource('configFile') === 'cli';
  for (const [name, value] of Object.entries(readConfigFile(flags.configFile, given))) {
    applyConfigEntry(command, name, value);
  }
  return optionsOf(command.opts<ParsedFlags>());
}

function optionsOf(flags: ParsedFlags): EngineOptions {
  return {
    hosts: flags.host ?? ['unix:///run/engine/engine.sock'],
    dataRoot: flags.dataRoot,
    execRoot: flags.execRoot,
    containerd: flags.containerd,
    containerdNamespace: flags.containerdNamespace,
    pidfile: flags.pidfile,
    bridge: flags.bridge,
    bip: flags.bip,
    defaultAddressPools: flags.defaultAddressPool ?? [],
    mtu: flags.mtu,
    insecureRegistries: flags.insecureRegistry ?? [],
    registryMirrors: flags.registryMirror ?? [],
    runtimes: Object.fromEntries((flags.addRuntime ?? []).map(runtimePair)),
    defaultRuntime: flags.defaultRuntime,
    cgroupParent: flags.cgroupParent,
    storageDriver: flags.storageDriver,
    firewallIntegration: flags.firewallIntegration,
    logLevel: flags.debug ? 'debug' : flags.logLevel,
  };
}

function createCommand(): Command {
  const repeated = (value: string, previous: string[] = []): string[] => [...previous, value];
  return new Command('engined')
    .description('The engine: containers, images and networks behind the Docker Engine API.')
    .version(version, '-v, --version')
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => undefined })
    .exitOverride((error) => {
      if (error.exitCode === 0) process.exit(0);
      throw new StackError('invalid_argument', error.message.replace(/^error: /, ''));
    })
    .option('-H, --host <address>', 'listen here: unix:///path or tcp://address:port', repeated)
    .option('--data-root <folder>', 'what survives a reboot', '/var/lib/engine')
    .option('--exec-root <folder>', 'what belongs to this boot', '/run/engine')
    .option('--containerd <socket>', 'use this containerd instead of starting one')
    .option('--containerd-namespace <name>', 'namespace in containerd', 'engine')
    .option('--config-file <file>', 'flags as JSON', '/etc/engine/engine.json')
    .option('-p, --pidfile <file>', 'write the process id here')
    .option('-b, --bridge <name>', 'default bridge, or none')
    .option('--bip <address/length>', 'address of the default bridge')
    .option('--default-address-pool <base=…,size=…>', 'subnets to choose from', repeated)
    .option('--mtu <bytes>', 'MTU of the default bridge', integer)
    .option('--insecure-registry <host>', 'registry without TLS', repeated)
    .option('--registry-mirror <url>', 'mirror of Docker Hub', repeated)
    .option('--add-runtime <name=path>', 'further OCI runtime', repeated)
    .option('--default-runtime <name>', 'runtime of containers that name none')
    .option('--cgroup-parent <path>', 'parent of the groups of containers', '/engine')
    .option('-s, --storage-driver <name>', 'snapshotter', 'overlayfs')
    .option('--firewall-integration <on|off>', 'let our bridges through the filters of others')
    .option('--live-restore', 'containers survive the engine (always so)')
    .addOption(
      new Option('-l, --log-level <level>', 'least important record')
        .choices(logLevels)
        .default('info'),
    )
    .option('-D, --debug', 'the same as --log-level debug');
}

function integer(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('not a number');
  return Number(text);
}

function refuseNotBuilt(args: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return;
    const name = /^--([a-z0-9-]+)/.exec(arg)?.[1];
    if (name !== undefined && notBuilt.includes(name)) throw notImplemented(`--${name}`);
  }
}

function notImplemented(name: string): StackError {
  return new StackError('unimplemented', `${name} is not implemented by this engine`);
}

/** `name=path`. */
function runtimePair(text: string): [string, string] {
  const [, name, path] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || path === undefined) {
    throw new StackError('invalid_argument', `--add-runtime "${text}" is not name=path`);
  }
  return [name, path];
}

/** A file that is only looked for by default may be absent. */
function readConfigFile(file: string, given: boolean): Record<string, unknown> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (!given) return {};
    throw new StackError('invalid_argument', `cannot read config file ${file}`, { cause: error });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new StackError('invalid_argument', `config file ${file} is not JSON`, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new StackError('invalid_argument', `config file ${file} is not a JSON object`);
  }
  return parsed as Record<string, unknown>; // JSON objects have string keys only
}

/** dockerd's names in the file, where they differ from the flags'. */
const fileNames: Readonly<Record<string, string>> = {
  hosts: 'host',
  'insecure-registries': 'insecure-registry',
  'registry-mirrors': 'registry-mirror',
  'default-address-pools': 'default-address-pool',
};

/** The command line wins where both say something; docker makes that an error, and so do we. */
function applyConfigEntry(command: Command, key: string, value: unknown): void {
  const name = fileNames[key] ?? key;
  if (name === 'runtimes') {
    applyRuntimes(command, value);
    return;
  }
  const option = command.options.find(({ long }) => long === `--${name}`);
  if (!option) {
    throw notBuilt.includes(name)
      ? notImplemented(`"${key}" in the config file`)
      : new StackError('invalid_argument', `the config file has an unknown key "${key}"`);
  }
  const attribute = option.attributeName();
  if (command.getOptionValueSource(attribute) === 'cli') {
    throw new StackError('invalid_argument', `"${key}" is given as a flag and in the config file`);
  }
  const list = (Array.isArray(value) ? value : [value]).map((item) => textOf(key, item));
  const repeatable = ['host', 'insecure-registry', 'registry-mirror', 'default-address-pool'];
  if (typeof value === 'boolean') command.setOptionValue(attribute, value);
  else if (repeatable.includes(name)) command.setOptionValue(attribute, list);
  else command.setOptionValue(attribute, name === 'mtu' ? integer(list.join()) : list.join());
}

function textOf(key: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return String(value);
  if (key === 'default-address-pools' && typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, part]) => `${name}=${String(part)}`)
      .join(',');
  }
  throw new StackError(
    'invalid_argument',
    `"${key}" in the config file has a value of a wrong type`,
  );
}

/** `{"name": {"path": "…"}}`. */
function applyRuntimes(command: Command, value: unknown): void {
  const pairs = Object.entries(value ?? {}).map(([name, runtime]) => {
    const path: unknown = Object.entries((runtime ?? {}) as object).find(
      ([key]) => key === 'path',
    )?.[1];
    if (typeof path === 'string' && path !== '') return `${name}=${path}`;
    throw new StackError('invalid_argument', `runtime "${name}" in the config file has no path`);
  });
  const earlier = command.opts<ParsedFlags>().addRuntime ?? [];
  command.setOptionValue('addRuntime', [...earlier, ...pairs]);
}
