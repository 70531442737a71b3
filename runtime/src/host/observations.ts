/** What the host sees of a container's first process, by the property of config.json that asked for it. */
import fs from 'node:fs';
import { stats } from '#lib/cgroup/stats';
import type { Cgroup } from '#lib/cgroup/layout';
import { mountAt, parseMountinfo, type MountEntry } from '#lib/mounts/mountinfo';
import { errorCode } from '#spec/errors';
import { capabilityNumber } from '#spec/capabilities';
import type { Process } from '#spec/oci/process';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import type { ContainerRecord } from '../container/state-store.ts';

export interface Observation {
  /** `mounts[3]`; what begins with it and has an observation of its own is not meant. */
  readonly property: string;
  /** As the kernel says it. */
  readonly now: string;
  /** Whether that is what was asked for; undefined where a process may have changed it since, or it cannot be told. */
  readonly asConfigured?: boolean;
}

/** Reads /proc and the cgroup; changes nothing. The process must be alive. */
export function observe(record: ContainerRecord, cgroup: Cgroup | undefined): Observation[] {
  const { pid, config } = record;
  const read = (name: string) => readProcFile(pid, name);
  return [
    ...namespaces(pid, config),
    ...idMaps(config, read),
    ...mounts(config, read('mountinfo')),
    ...identity(config, read),
    ...limits(config.process, read('limits')),
    ...placement(record, cgroup, read('cgroup')),
  ].filter(({ now }) => now !== '');
}

/** Empty for what the kernel does not have or does not show. */
function readProcFile(pid: number, name: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${name}`, 'utf8').trim();
  } catch (error) {
    const hidden = ['ENOENT', 'EACCES', 'EPERM', 'EINVAL', 'ESRCH'];
    if (hidden.includes(errorCode(error) ?? '')) return '';
    throw error;
  }
}

function readLink(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return ''; // gone, or not ours to see
  }
}

const namespaceFiles = { network: 'net', mount: 'mnt' } as const;

function namespaces(pid: number, { linux = {} }: RuntimeConfig): Observation[] {
  const seen = (linux.namespaces ?? []).map(({ type, path }, index) => {
    const file = type === 'network' || type === 'mount' ? namespaceFiles[type] : type;
    const now = readLink(`/proc/${pid}/ns/${file}`);
    const own = readLink(`/proc/self/ns/${file}`);
    const asConfigured = path ? now === readLink(path) : now !== own;
    return { property: `linux.namespaces[${index}]`, now, asConfigured };
  });
  const created = seen.filter((_, index) => !linux.namespaces?.[index]?.path);
  return [
    ...seen,
    {
      property: 'linux.namespaces',
      now: created.map(({ now }) => now).join(' '),
      asConfigured: created.every(({ asConfigured }) => asConfigured),
    },
  ];
}

function idMaps({ linux = {} }: RuntimeConfig, read: (name: string) => string): Observation[] {
  if (!linux.namespaces?.some(({ type }) => type === 'user')) return [];
  const spaces = (text: string) => text.replaceAll(/[ \t]+/g, ' ').replaceAll(/\n ?/g, '; ');
  const uidMap = spaces(read('uid_map'));
  const wanted = (linux.uidMappings ?? []).map(
    ({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`,
  );
  return [
    {
      property: 'linux.uidMappings',
      now: `uids ${uidMap}, gids ${spaces(read('gid_map'))}`,
      ...(wanted.length > 0 && { asConfigured: uidMap === wanted.join('; ') }),
    },
  ];
}

function mounts({ mounts: asked = [], root, linux = {} }: RuntimeConfig, mountinfo: string) {
  const entries = parseMountinfo(mountinfo);
  const at = (place: string) => mountAt(entries, place);
  const show = (entry: MountEntry | undefined) =>
    entry ? `${entry.type} ${entry.source}, ${entry.options.join()}` : 'nothing is mounted there';
  const rootMount = at('/');
  const readOnly = rootMount?.options.includes('ro') ?? false;
  const observed: Observation[] = [
    { property: 'root.path', now: show(rootMount), asConfigured: rootMount !== undefined },
    {
      property: 'root.readonly',
      now: show(rootMount),
      asConfigured: readOnly === (root.readonly ?? false),
    },
  ];
  asked.forEach(({ destination }, index) => {
    const found = at(withoutEndingSlash(destination));
    observed.push({
      property: `mounts[${index}]`,
      now: show(found),
      asConfigured: found !== undefined,
    });
  });
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    linux[name]?.forEach((place, index) => {
      const found = at(place);
      // What the image does not have is not covered.
      if (found)
        observed.push({
          property: `linux.${name}[${index}]`,
          now: show(found),
          asConfigured: true,
        });
    });
  }
  return observed;
}

function withoutEndingSlash(place: string): string {
  return place.length > 1 ? place.replace(/\/+$/, '') : place;
}

function identity(
  { process, linux = {} }: RuntimeConfig,
  read: (name: string) => string,
): Observation[] {
  const status = read('status');
  const field = (name: string) =>
    new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.replaceAll('\t', ' ') ?? '';
  const capabilities = (name: string) => BigInt(`0x${field(name) || '0'}`);
  const isWithin = (set: readonly string[] | undefined, name: string) =>
    capabilities(name) ===
    (set ?? []).reduce((mask, one) => mask | (1n << BigInt(capabilityNumber(one) ?? 0)), 0n);
  const sets = ['CapBnd', 'CapEff', 'CapPrm', 'CapInh', 'CapAmb'];
  const { noNewPrivileges = false, capabilities: asked } = process;
  return [
    { property: 'process.user.uid', now: `uid ${field('Uid')}` },
    { property: 'process.user.gid', now: `gid ${field('Gid')}` },
    { property: 'process.user.additionalGids', now: `groups ${field('Groups')}` },
    { property: 'process.user.umask', now: `umask ${field('Umask')}` },
    {
      property: 'process.capabilities',
      now: sets.map((name) => `${name} ${field(name)}`).join(', '),
    },
    {
      property: 'process.capabilities.bounding',
      now: `CapBnd ${field('CapBnd')}`,
      ...(asked && { asConfigured: isWithin(asked.bounding, 'CapBnd') }),
    },
    {
      property: 'process.noNewPrivileges',
      now: `NoNewPrivs ${field('NoNewPrivs')}`,
      asConfigured: field('NoNewPrivs') === (noNewPrivileges ? '1' : '0'),
    },
    ...(linux.seccomp
      ? [
          {
            property: 'linux.seccomp',
            now: `Seccomp ${field('Seccomp')}, filters ${field('Seccomp_filters')}`,
            asConfigured: field('Seccomp') === '2',
          },
        ]
      : []),
    { property: 'process.oomScoreAdj', now: `oom_score_adj ${read('oom_score_adj')}` },
    ...(linux.personality
      ? [{ property: 'linux.personality', now: `personality ${read('personality')}` }]
      : []),
    { property: 'process.args', now: read('cmdline').split('\0').filter(Boolean).join(' ') },
  ];
}

const limitNames: Readonly<Record<string, string>> = {
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_STACK: 'Max stack size',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_AS: 'Max address space',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
};

function limits({ rlimits = [] }: Process, text: string): Observation[] {
  return rlimits.map(({ type, soft, hard }, index) => {
    const found = new RegExp(`^${limitNames[type] ?? type}\\s+(\\w+)\\s+(\\w+)`, 'm').exec(text);
    const [, softNow = '', hardNow = ''] = found ?? [];
    const numeric = /^\d+ \d+$/.test(`${softNow} ${hardNow}`);
    return {
      property: `process.rlimits[${index}]`,
      now: found ? `soft ${softNow}, hard ${hardNow}` : '',
      ...(numeric && { asConfigured: Number(softNow) === soft && Number(hardNow) === hard }),
    };
  });
}

function placement(
  { config }: ContainerRecord,
  cgroup: Cgroup | undefined,
  text: string,
): Observation[] {
  if (!cgroup) return [];
  const groups = new Set(text.split('\n').map((line) => line.split(':').slice(2).join(':')));
  const found = stats(cgroup);
  const { memory, pids } = config.linux?.resources ?? {};
  const limit = (value: number) => (Number.isFinite(value) ? String(value) : 'none');
  const inside = [...groups].every((group) => `${group}/`.startsWith(`${cgroup.path}/`));
  return [
    { property: 'linux.cgroupsPath', now: [...groups].join(' '), asConfigured: inside },
    {
      property: 'linux.resources.memory',
      now: `${found.memory.usage} bytes, limit ${limit(found.memory.limit)}`,
      ...(memory?.limit !== undefined && {
        // The kernel rounds to pages.
        asConfigured: memory.limit < 0 || Math.abs(found.memory.limit - memory.limit) < 65_536,
      }),
    },
    {
      property: 'linux.resources.pids',
      now: `${found.pids.current} processes, limit ${limit(found.pids.limit)}`,
      ...(pids && { asConfigured: pids.limit <= 0 || pids.limit === found.pids.limit }),
    },
  ];
}
