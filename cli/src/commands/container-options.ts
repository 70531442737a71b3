/** The flags that `run` and `create` share, and the body of POST /containers/create that they make. */
import fs from 'node:fs';
import path from 'node:path';
import { boolean, list, missing, text, type FlagValues } from '../command-line/flags.ts';
import { UsageError, keyValues, splitOnce } from '../command-line/parse.ts';
import { parseBytes, parseDuration, parseInteger, parseNanoCpus } from '../format/units.ts';
import { parsePorts } from './publish.ts';
import { terminalSize } from '../terminal/attached-streams.ts';

export const containerFlags = {
  'add-host': list('Add a custom host-to-IP mapping (host:ip)'),
  annotation: list('Add an annotation to the container', undefined, 'map'),
  'cap-add': list('Add Linux capabilities'),
  'cap-drop': list('Drop Linux capabilities'),
  'cgroup-parent': text('Optional parent cgroup for the container'),
  cgroupns: text('Cgroup namespace to use (host|private)'),
  'cpu-period': text('Limit CPU CFS period', undefined, 'int'),
  'cpu-quota': text('Limit CPU CFS quota', undefined, 'int'),
  'cpu-shares': text('CPU shares (relative weight)', 'c', 'int'),
  cpus: text('Number of CPUs', undefined, 'decimal'),
  'cpuset-cpus': text('CPUs in which to allow execution (0-3, 0,1)'),
  'cpuset-mems': text('MEMs in which to allow execution (0-3, 0,1)'),
  dns: list('Set custom DNS servers'),
  'dns-option': list('Set DNS options'),
  'dns-search': list('Set custom DNS search domains'),
  domainname: text('Container NIS domain name'),
  entrypoint: text('Overwrite the default ENTRYPOINT of the image'),
  env: list('Set environment variables', 'e'),
  'env-file': list('Read in a file of environment variables'),
  'group-add': list('Add additional groups to join'),
  'health-cmd': text('Command to run to check health'),
  'health-interval': text('Time between running the check (ms|s|m|h)', undefined, 'duration'),
  'health-retries': text('Consecutive failures needed to report unhealthy', undefined, 'int'),
  'health-start-interval': text(
    'Time between running the check during the start period (ms|s|m|h)',
    undefined,
    'duration',
  ),
  'health-start-period': text(
    'Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)',
    undefined,
    'duration',
  ),
  'health-timeout': text(
    'Maximum time to allow one check to run (ms|s|m|h)',
    undefined,
    'duration',
  ),
  hostname: text('Container host name', 'h'),
  init: boolean('Run an init inside the container that forwards signals and reaps processes'),
  interactive: boolean('Keep STDIN open even if not attached', 'i'),
  ipc: text('IPC mode to use'),
  label: list('Set meta data on a container', 'l'),
  'log-driver': text('Logging driver for the container'),
  'log-opt': list('Log driver options'),
  'mac-address': text('Container MAC address'),
  memory: text('Memory limit', 'm', 'bytes'),
  'memory-reservation': text('Memory soft limit', undefined, 'bytes'),
  'memory-swap': text(
    "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
    undefined,
    'bytes',
  ),
  mount: list('Attach a filesystem mount to the container', undefined, 'mount'),
  name: text('Assign a name to the container'),
  ip: text('IPv4 address (e.g., 172.30.100.104)'),
  network: text('Connect a container to a network'),
  'network-alias': list('Add network-scoped alias for the container'),
  'no-healthcheck': boolean('Disable any container-specified HEALTHCHECK'),
  'oom-kill-disable': boolean('Disable OOM Killer'),
  'oom-score-adj': text("Tune host's OOM preferences (-1000 to 1000)", undefined, 'int'),
  pid: text('PID namespace to use'),
  'pids-limit': text('Tune container pids limit (set -1 for unlimited)', undefined, 'int'),
  platform: text('Set platform if server is multi-platform capable'),
  expose: list('Expose a port or a range of ports'),
  publish: list("Publish a container's port(s) to the host", 'p'),
  'publish-all': boolean('Publish all exposed ports to random ports', 'P'),
  privileged: boolean('Give extended privileges to this container'),
  pull: text('Pull image before running ("always", "missing", "never")'),
  quiet: boolean('Suppress the pull output', 'q'),
  'read-only': boolean("Mount the container's root filesystem as read only"),
  restart: text('Restart policy to apply when a container exits'),
  rm: boolean(
    'Automatically remove the container and its associated anonymous volumes when it exits',
  ),
  runtime: text('Runtime to use for this container'),
  'security-opt': list('Security Options'),
  'shm-size': text('Size of /dev/shm', undefined, 'bytes'),
  'stop-signal': text('Signal to stop the container'),
  'stop-timeout': text('Timeout (in seconds) to stop a container', undefined, 'int'),
  sysctl: list('Sysctl options', undefined, 'map'),
  tmpfs: list('Mount a tmpfs directory'),
  tty: boolean('Allocate a pseudo-TTY', 't'),
  ulimit: list('Ulimit options', undefined, 'ulimit'),
  user: text('Username or UID (format: <name|uid>[:<group|gid>])', 'u'),
  userns: text('User namespace to use'),
  uts: text('UTS namespace to use'),
  volume: list('Bind mount a volume', 'v'),
  'volume-driver': text('Optional volume driver for the container'),
  'volumes-from': list('Mount volumes from the specified container(s)'),
  workdir: text('Working directory inside the container', 'w'),
  ...missing(
    ...[
      'attach',
      'blkio-weight',
      'blkio-weight-device',
      'cidfile',
      'cpu-count',
      'cpu-percent',
      'cpu-rt-period',
    ],
    ...[
      'cpu-rt-runtime',
      'device',
      'device-cgroup-rule',
      'device-read-bps',
      'device-read-iops',
      'device-write-bps',
    ],
    ...['device-write-iops', 'disable-content-trust', 'gpus', 'health-interval'],
    ...['io-maxbandwidth'],
    ...['io-maxiops', 'ip6', 'isolation', 'kernel-memory', 'label-file', 'link', 'link-local-ip'],
    ...['memory-swappiness', 'storage-opt'],
    ...['use-api-socket'],
  ),
} as const;

export type ContainerValues = FlagValues<typeof containerFlags>;

/** Body of POST /containers/create. Throws {@link UsageError} for a value that cannot be meant. */
export function createRequest(
  values: ContainerValues,
  image: string,
  command: readonly string[],
  { attach }: { attach: boolean },
): object {
  const size = values.tty ? terminalSize() : undefined;
  const whole = (flag: keyof ContainerValues): number | undefined => {
    const value = values[flag];
    return typeof value === 'string' ? parseInteger(value, `--${flag}`) : undefined;
  };
  const bytes = (flag: keyof ContainerValues, short = `--${flag}`): number | undefined => {
    const value = values[flag];
    if (typeof value !== 'string') return undefined;
    return value === '-1' ? -1 : parseBytes(value, short);
  };
  // A destination alone is an anonymous volume, which the API takes where an image declares them.
  const isAnonymous = (volume: string): boolean => !volume.includes(':');
  const bound = values.volume.filter((volume) => !isAnonymous(volume));
  const anonymous = values.volume.filter(isAnonymous);
  const ports = parsePorts(values.publish, values.expose);
  return withoutUndefined({
    Image: image,
    ExposedPorts: Object.keys(ports.exposed).length > 0 ? ports.exposed : undefined,
    Volumes:
      anonymous.length > 0 ? Object.fromEntries(anonymous.map((path) => [path, {}])) : undefined,
    Cmd: command.length > 0 ? command : undefined,
    Entrypoint:
      values.entrypoint === undefined
        ? undefined
        : values.entrypoint === ''
          ? ['']
          : [values.entrypoint],
    Env: environment(values),
    Labels: keyValues(values.label),
    Hostname: values.hostname,
    Domainname: values.domainname,
    User: values.user,
    WorkingDir: values.workdir,
    Tty: values.tty,
    OpenStdin: values.interactive,
    StdinOnce: values.interactive && attach,
    AttachStdin: values.interactive && attach,
    AttachStdout: attach,
    AttachStderr: attach,
    StopSignal: values['stop-signal'],
    StopTimeout: whole('stop-timeout'),
    MacAddress: values['mac-address'],
    Healthcheck: healthcheck(values),
    NetworkingConfig: networkingConfig(values),
    HostConfig: withoutUndefined({
      AutoRemove: values.rm,
      Annotations: values.annotation.length > 0 ? keyValues(values.annotation) : undefined,
      Binds: bound.length > 0 ? bound.map(absoluteBind) : undefined,
      VolumeDriver: values['volume-driver'],
      VolumesFrom: optional(values['volumes-from']),
      Mounts: values.mount.length > 0 ? values.mount.map(parseMount) : undefined,
      CapAdd: optional(values['cap-add']),
      CapDrop: optional(values['cap-drop']),
      CgroupParent: values['cgroup-parent'],
      CgroupnsMode: values.cgroupns,
      ConsoleSize: size && [size.h, size.w],
      CpuPeriod: whole('cpu-period'),
      CpuQuota: whole('cpu-quota'),
      CpuShares: whole('cpu-shares'),
      CpusetCpus: values['cpuset-cpus'],
      CpusetMems: values['cpuset-mems'],
      Dns: optional(values.dns),
      DnsOptions: optional(values['dns-option']),
      DnsSearch: optional(values['dns-search']),
      ExtraHosts: optional(values['add-host']),
      GroupAdd: optional(values['group-add']),
      Init: values.init || undefined,
      IpcMode: values.ipc,
      LogConfig:
        values['log-driver'] === undefined && values['log-opt'].length === 0
          ? undefined
          : { Type: values['log-driver'] ?? '', Config: keyValues(values['log-opt']) },
      Memory: bytes('memory', '-m, --memory'),
      MemoryReservation: bytes('memory-reservation'),
      MemorySwap: bytes('memory-swap'),
      NanoCpus: values.cpus === undefined ? undefined : parseNanoCpus(values.cpus, '--cpus'),
      NetworkMode: values.network ?? 'default',
      OomKillDisable: values['oom-kill-disable'] || undefined,
      OomScoreAdj: whole('oom-score-adj'),
      PidMode: values.pid,
      PidsLimit: whole('pids-limit'),
      PortBindings: Object.keys(ports.bindings).length > 0 ? ports.bindings : undefined,
      PublishAllPorts: values['publish-all'] || undefined,
      Privileged: values.privileged,
      ReadonlyRootfs: values['read-only'],
      RestartPolicy: values.restart === undefined ? undefined : parseRestartPolicy(values.restart),
      Runtime: values.runtime,
      SecurityOpt: optional(values['security-opt'].map(readSeccompProfile)),
      ShmSize: bytes('shm-size'),
      Sysctls: values.sysctl.length > 0 ? keyValues(values.sysctl) : undefined,
      Tmpfs: values.tmpfs.length > 0 ? keyValues(values.tmpfs, ':') : undefined,
      Ulimits: values.ulimit.length > 0 ? values.ulimit.map(parseUlimit) : undefined,
      UsernsMode: values.userns,
      UTSMode: values.uts,
    }),
  });
}

/** What only an endpoint of the chosen network can carry. */
function networkingConfig(values: ContainerValues): object | undefined {
  const aliases = values['network-alias'];
  if (aliases.length === 0 && values.ip === undefined) return undefined;
  const endpoint = {
    ...(aliases.length > 0 && { Aliases: aliases }),
    ...(values.ip !== undefined && { IPAMConfig: { IPv4Address: values.ip } }),
  };
  return { EndpointsConfig: { [values.network ?? 'default']: endpoint } };
}

function healthcheck(values: ContainerValues): object | undefined {
  if (values['no-healthcheck']) return { Test: ['NONE'] };
  const time = (flag: keyof ContainerValues): number | undefined => {
    const value = values[flag];
    return typeof value === 'string' ? parseDuration(value, `--${flag}`) : undefined;
  };
  const command = values['health-cmd'];
  const retries = values['health-retries'];
  const check = withoutUndefined({
    Test: command === undefined ? undefined : ['CMD-SHELL', command],
    Interval: time('health-interval'),
    Timeout: time('health-timeout'),
    StartPeriod: time('health-start-period'),
    StartInterval: time('health-start-interval'),
    Retries: retries === undefined ? undefined : parseInteger(retries, '--health-retries'),
  });
  return Object.keys(check).length > 0 ? check : undefined;
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function optional(values: readonly string[]): readonly string[] | undefined {
  return values.length > 0 ? values : undefined;
}

/** `-e NAME` takes the value from the caller's environment, and nothing when it has none. */
function environment(values: ContainerValues): string[] | undefined {
  const entries = [...values['env-file'].flatMap(readEnvironmentFile), ...values.env];
  const resolved = entries.flatMap((entry) => {
    if (entry.startsWith('=')) throw new UsageError(`invalid environment variable: ${entry}`);
    if (entry.includes('=')) return [entry];
    const own = process.env[entry];
    return own === undefined ? [] : [`${entry}=${own}`];
  });
  return resolved.length > 0 ? resolved : undefined;
}

function readEnvironmentFile(file: string): string[] {
  let content: string;
  try {
    content = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read --env-file "${file}"`, { cause: error });
  }
  return content
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** A source that starts with `.` or `~`-less relative path is made absolute, as docker's CLI does; names of volumes are left. */
function absoluteBind(bind: string): string {
  const [source, rest] = splitOnce(bind, ':');
  if (rest === undefined || !source.startsWith('.')) return bind;
  return `${path.resolve(source)}:${rest}`;
}

/** `name[:max-retries]`. */
function parseRestartPolicy(value: string): object {
  const [name, retries] = splitOnce(value, ':');
  return {
    Name: name,
    MaximumRetryCount: retries === undefined ? 0 : parseInteger(retries, '--restart'),
  };
}

/** `nofile=1024[:2048]`. */
function parseUlimit(value: string): object {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value);
  if (!match)
    throw new UsageError(
      `invalid argument "${value}" for "--ulimit" flag: invalid ulimit argument: ${value}`,
    );
  return { Name: match[1], Soft: Number(match[2]), Hard: Number(match[3] ?? match[2]) };
}

/** `seccomp=FILE` travels as the profile itself: the daemon may not see the caller's files. */
function readSeccompProfile(option: string): string {
  const [key, value] = splitOnce(option, '=');
  if (key !== 'seccomp' || value === undefined || value === 'unconfined' || value === 'builtin')
    return option;
  try {
    return `seccomp=${JSON.stringify(JSON.parse(fs.readFileSync(value, 'utf8')))}`;
  } catch (error) {
    throw new UsageError(`opening seccomp profile (${value}) failed`, { cause: error });
  }
}

/** `type=bind,src=/a,dst=/b,readonly`. */
function parseMount(value: string): object {
  const mount: Record<string, unknown> = { Type: 'volume' };
  const options: Record<string, Record<string, unknown>> = {};
  const option = (group: string, field: string, content: unknown): void => {
    options[group] = { ...options[group], [field]: content };
  };
  for (const part of value.split(',')) {
    const [key, content = ''] = splitOnce(part, '=');
    switch (key) {
      case 'type':
        mount['Type'] = content;
        break;
      case 'source':
      case 'src':
        mount['Source'] = content;
        break;
      case 'target':
      case 'destination':
      case 'dst':
        mount['Target'] = content;
        break;
      case 'readonly':
      case 'ro':
        mount['ReadOnly'] = content === '' || content === 'true' || content === '1';
        break;
      case 'bind-propagation':
        option('BindOptions', 'Propagation', content);
        break;
      case 'volume-nocopy':
        option('VolumeOptions', 'NoCopy', content === '' || content === 'true');
        break;
      case 'tmpfs-size':
        option('TmpfsOptions', 'SizeBytes', parseBytes(content, '--mount'));
        break;
      case 'tmpfs-mode':
        option('TmpfsOptions', 'Mode', Number.parseInt(content, 8));
        break;
      default:
        throw new UsageError(
          `invalid argument "${value}" for "--mount" flag: unexpected key '${key}' in '${part}'`,
        );
    }
  }
  return { ...mount, ...options };
}
