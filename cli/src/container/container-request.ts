/** The body of POST /containers/create, from the flags of `run` and `create`. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import { UsageError, keyValues, splitOnce } from '../command-line/parse.ts';
import { parseBytes, parseInteger } from '../format/units.ts';
import { terminalSize } from '../terminal/attached-streams.ts';
import type { ContainerValues } from './container-flags.ts';
import {
  parseDeviceRule,
  parseDeviceWeight,
  parseDevices,
  parseGpus,
  parseRate,
} from './devices.ts';
import { environment, readPairsFiles } from './environment.ts';
import { healthcheck } from './healthcheck.ts';
import { parseMount } from './mount.ts';
import { parseNetworks } from './networks.ts';
import { parsePorts } from './publish.ts';
import { parseRestartPolicy, resources } from './resources.ts';
import { securityOptions } from './security.ts';

/** Which of the container's streams the caller wants: `-a`, or all that there are. */
export interface AttachedStreams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}

/** Throws {@link UsageError} for a value that cannot be meant, invalid_argument for values that contradict each other. */
export function createRequest(
  values: ContainerValues,
  image: string,
  command: readonly string[],
  attached: AttachedStreams,
): object {
  const size = values.tty ? terminalSize() : undefined;
  const whole = (flag: 'stop-timeout' | 'oom-score-adj' | 'memory-swappiness') => {
    const value = values[flag];
    return value === undefined ? undefined : parseInteger(value, `--${flag}`);
  };
  const swappiness = whole('memory-swappiness');
  if (swappiness !== undefined && (swappiness < -1 || swappiness > 100)) {
    throw new StackError(
      'invalid_argument',
      `invalid value: ${swappiness}. Valid memory swappiness range is 0-100`,
    );
  }
  const restart = values.restart === undefined ? undefined : parseRestartPolicy(values.restart);
  if (values.rm && restart && restart.Name !== '' && restart.Name !== 'no') {
    throw new StackError(
      'invalid_argument',
      'conflicting options: cannot specify both --restart and --rm',
    );
  }
  // A destination alone is an anonymous volume, which the API takes where an image declares them.
  const anonymous = values.volume.filter((volume) => !volume.includes(':'));
  const bound = values.volume.filter((volume) => volume.includes(':'));
  const ports = parsePorts(values.publish, values.expose);
  const { devices, cdiDevices } = parseDevices(values.device);
  const gpus = values.gpus.map(parseGpus);
  const networks = parseNetworks(values);
  const { entrypoint } = values;
  const labels = keyValues([
    ...readPairsFiles(values['label-file'], 'label-file'),
    ...values.label,
  ]);
  return withoutUndefined({
    Image: image,
    ExposedPorts: optionalMap(ports.exposed),
    Volumes: optionalMap(Object.fromEntries(anonymous.map((volume) => [volume, {}]))),
    Cmd: optional(command),
    Entrypoint: entrypoint === undefined ? undefined : [entrypoint],
    Env: optional(environment(values['env-file'], values.env)),
    Labels: labels,
    Hostname: values.hostname,
    Domainname: values.domainname,
    User: values.user,
    WorkingDir: values.workdir,
    Tty: values.tty,
    OpenStdin: values.interactive,
    StdinOnce: values.interactive && attached.stdin,
    AttachStdin: attached.stdin,
    AttachStdout: attached.stdout,
    AttachStderr: attached.stderr,
    StopSignal: values['stop-signal'],
    StopTimeout: whole('stop-timeout'),
    MacAddress: networks.macAddress,
    Healthcheck: healthcheck(values),
    NetworkingConfig:
      Object.keys(networks.endpoints).length > 0
        ? { EndpointsConfig: networks.endpoints }
        : undefined,
    HostConfig: withoutUndefined({
      ...resources(values),
      ...securityOptions(values['security-opt']),
      AutoRemove: values.rm,
      Annotations: optionalMap(keyValues(values.annotation)),
      Binds: optional(bound.map(absoluteBind)),
      BlkioWeightDevice: optional(values['blkio-weight-device'].map(parseDeviceWeight)),
      BlkioDeviceReadBps: rates(values, 'device-read-bps', 'bytes'),
      BlkioDeviceReadIOps: rates(values, 'device-read-iops', 'operations'),
      BlkioDeviceWriteBps: rates(values, 'device-write-bps', 'bytes'),
      BlkioDeviceWriteIOps: rates(values, 'device-write-iops', 'operations'),
      CapAdd: optional(values['cap-add']),
      CapDrop: optional(values['cap-drop']),
      CgroupParent: values['cgroup-parent'],
      CgroupnsMode: values.cgroupns,
      ConsoleSize: size && [size.h, size.w],
      ContainerIDFile: values.cidfile,
      DeviceCgroupRules: optional(values['device-cgroup-rule'].map(parseDeviceRule)),
      DeviceRequests: optional([
        ...gpus,
        ...(cdiDevices.length > 0 ? [{ Driver: 'cdi', DeviceIDs: cdiDevices }] : []),
      ]),
      Devices: optional(devices),
      Dns: optional(values.dns),
      DnsOptions: optional(values['dns-option']),
      DnsSearch: optional(values['dns-search']),
      ExtraHosts: optional(values['add-host'].map(parseExtraHost)),
      GroupAdd: optional(values['group-add']),
      Init: values.init || undefined,
      IpcMode: values.ipc,
      Isolation: values.isolation,
      Links: optional(values.link),
      LogConfig: logConfig(values),
      MemorySwappiness: swappiness,
      Mounts: optional(values.mount.map(parseMount)),
      NetworkMode: networks.mode,
      OomKillDisable: values['oom-kill-disable'] || undefined,
      OomScoreAdj: whole('oom-score-adj'),
      PidMode: values.pid,
      PortBindings: optionalMap(ports.bindings),
      PublishAllPorts: values['publish-all'] || undefined,
      Privileged: values.privileged,
      ReadonlyRootfs: values['read-only'],
      RestartPolicy: restart,
      Runtime: values.runtime,
      ShmSize:
        values['shm-size'] === undefined ? undefined : parseBytes(values['shm-size'], '--shm-size'),
      StorageOpt: optionalMap(keyValues(values['storage-opt'])),
      Sysctls: optionalMap(keyValues(values.sysctl)),
      Tmpfs: optionalMap(keyValues(values.tmpfs, ':')),
      Ulimits: optional(values.ulimit.map(parseUlimit)),
      UsernsMode: values.userns,
      UTSMode: values.uts,
      VolumeDriver: values['volume-driver'],
      VolumesFrom: optional(values['volumes-from']),
    }),
  });
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function optional<Value>(values: readonly Value[]): readonly Value[] | undefined {
  return values.length > 0 ? values : undefined;
}

function optionalMap<Value extends object>(values: Value): Value | undefined {
  return Object.keys(values).length > 0 ? values : undefined;
}

type RateFlag = 'device-read-bps' | 'device-read-iops' | 'device-write-bps' | 'device-write-iops';

function rates(values: ContainerValues, flag: RateFlag, unit: 'bytes' | 'operations') {
  return optional(values[flag].map((value) => parseRate(value, flag, unit)));
}

/** A source that starts with `.` is made absolute, as docker's CLI does; names of volumes are left. */
function absoluteBind(bind: string): string {
  const [source, rest] = splitOnce(bind, ':');
  if (rest === undefined || !source.startsWith('.')) return bind;
  return `${path.resolve(source)}:${rest}`;
}

/** `host:address` or `host=address`; the daemon is told the first form. */
function parseExtraHost(value: string): string {
  const separator = /[=:]/.exec(value)?.[0];
  const [host, address = ''] = splitOnce(value, separator ?? ':');
  if (separator === undefined || host === '' || address === '') {
    throw new UsageError(
      `invalid argument "${value}" for "--add-host" flag: bad format for add-host: "${value}"`,
    );
  }
  return `${host}:${address.replace(/^\[(.*)\]$/, '$1')}`;
}

function logConfig(values: ContainerValues): object | undefined {
  const driver = values['log-driver'];
  const options = values['log-opt'];
  if (driver === undefined && options.length === 0) return undefined;
  if (driver === 'none' && options.length > 0) {
    throw new StackError('invalid_argument', `invalid logging opts for driver ${driver}`);
  }
  return { Type: driver ?? '', Config: keyValues(options) };
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
