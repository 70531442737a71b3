/** Which limits and protections this host has, as `docker info` names them. */
import fs from 'node:fs';
import { detectCgroups, type CgroupLayout } from '#lib/cgroup/layout';

export interface HostAbilities {
  memory: boolean;
  swap: boolean;
  oomKillDisable: boolean;
  cpuQuota: boolean;
  cpuShares: boolean;
  cpuset: boolean;
  pids: boolean;
  ipv4Forwarding: boolean;
  /** Whether what a bridge passes on goes through the tables of iptables, and of ip6tables. */
  bridgeFilters: { ipv4: boolean; ipv6: boolean };
  appArmor: boolean;
  seLinux: boolean;
  /** What cannot be limited, in the words of docker's warnings, without their beginning. */
  missing: string[];
}

/** Looks at the kernel's files; nothing is changed. */
export function readHostAbilities(): HostAbilities {
  const layout = detectCgroups();
  const limits = layout.version === 'v2' ? unifiedAbilities(layout) : dividedAbilities(layout);
  return {
    ...limits,
    ipv4Forwarding: read('/proc/sys/net/ipv4/ip_forward') !== '0',
    bridgeFilters: {
      ipv4: read('/proc/sys/net/bridge/bridge-nf-call-iptables') === '1',
      ipv6: read('/proc/sys/net/bridge/bridge-nf-call-ip6tables') === '1',
    },
    appArmor: read('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
    seLinux: fs.existsSync('/sys/fs/selinux/enforce'),
  };
}

type CgroupPart = Omit<HostAbilities, 'ipv4Forwarding' | 'bridgeFilters' | 'appArmor' | 'seLinux'>;

function unifiedAbilities(layout: CgroupLayout): CgroupPart {
  const controllers = read(`${layout.unified ?? ''}/cgroup.controllers`).split(' ');
  const has = (controller: string): boolean => controllers.includes(controller);
  const io = has('io');
  return {
    memory: has('memory'),
    swap: has('memory'),
    oomKillDisable: false,
    cpuQuota: has('cpu'),
    cpuShares: has('cpu'),
    cpuset: has('cpuset'),
    pids: has('pids'),
    missing: [
      ...(has('memory') ? [] : ['memory limit', 'swap limit']),
      ...(has('cpu') ? [] : ['cpu cfs quota', 'cpu cfs period', 'cpu shares']),
      ...(has('cpuset') ? [] : ['cpuset']),
      ...(io ? [] : ['io.max (rbps)', 'io.max (wbps)', 'io.max (riops)', 'io.max (wiops)']),
    ],
  };
}

function dividedAbilities(layout: CgroupLayout): CgroupPart {
  const has = (controller: string, file: string): boolean =>
    layout.hierarchies.some(
      (hierarchy) =>
        hierarchy.controllers.includes(controller) &&
        fs.existsSync(`${hierarchy.mountPoint}/${file}`),
    );
  const found = {
    memory: has('memory', 'memory.limit_in_bytes'),
    swap: has('memory', 'memory.memsw.limit_in_bytes'),
    oomKillDisable: has('memory', 'memory.oom_control'),
    cpuQuota: has('cpu', 'cpu.cfs_quota_us'),
    cpuShares: has('cpu', 'cpu.shares'),
    cpuset: has('cpuset', 'cpuset.cpus'),
    pids: has('pids', 'cgroup.procs'),
  };
  const throttles = [
    'read_bps_device',
    'write_bps_device',
    'read_iops_device',
    'write_iops_device',
  ];
  return {
    ...found,
    missing: [
      ...(found.memory ? [] : ['memory limit']),
      ...(found.swap ? [] : ['swap limit']),
      ...(found.oomKillDisable ? [] : ['oom kill disable']),
      ...(found.cpuQuota ? [] : ['cpu cfs quota', 'cpu cfs period']),
      ...(found.cpuShares ? [] : ['cpu shares']),
      ...(found.cpuset ? [] : ['cpuset']),
      ...throttles
        .filter((name) => !has('blkio', `blkio.throttle.${name}`))
        .map((name) => `blkio throttle.${name}`),
    ],
  };
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return ''; // a kernel without it
  }
}
