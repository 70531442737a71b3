/** `update`: new limits for a running container. */
import fs from 'node:fs';
import { applyResources } from '#lib/cgroup/cgroup';
import { pids } from '#lib/cgroup/processes';
import { messageOf, StackError } from '#spec/errors';
import { parseResources, type Resources } from '#spec/oci/resources';
import type { Command } from '../command-line/command.ts';
import type { Flags } from '../command-line/flags.ts';
import { checkContainerId } from '../container/container-id.ts';
import { StateStore, type ContainerRecord } from '../container/state-store.ts';
import { statusOf } from '../container/status.ts';
import { recordedCgroup } from '../host/cgroups.ts';

export const update: Command = {
  usage: 'update [flags] <container-id>',
  description: 'change the limits of a container',
  flags: {
    resources: {
      kind: 'string',
      alias: 'r',
      help: 'file with the resources as in config.json; - is stdin',
    },
    'blkio-weight': { kind: 'number', help: 'block I/O weight, 10 to 1000' },
    'cpu-period': { kind: 'number', help: 'CPU period in microseconds' },
    'cpu-quota': { kind: 'number', help: 'CPU time per period in microseconds' },
    'cpu-burst': { kind: 'number', help: 'CPU burst in microseconds' },
    'cpu-share': { kind: 'number', help: 'CPU shares' },
    'cpu-rt-period': { kind: 'number', help: 'realtime period in microseconds' },
    'cpu-rt-runtime': { kind: 'number', help: 'realtime runtime in microseconds' },
    'cpuset-cpus': { kind: 'string', help: 'CPUs: 0-2,7' },
    'cpuset-mems': { kind: 'string', help: 'memory nodes' },
    'cpu-idle': { kind: 'number', help: '1: runs only when nothing else does' },
    memory: { kind: 'size', help: 'memory: bytes, or 100M and the like; -1 for no limit' },
    'memory-reservation': { kind: 'size', help: 'soft limit of memory' },
    'memory-swap': { kind: 'size', help: 'memory plus swap, -1 for no limit' },
    'kernel-memory': { kind: 'size', help: 'no longer supported by Linux: warns' },
    'kernel-memory-tcp': { kind: 'size', help: 'buffers of TCP sockets, on cgroup v1' },
    'pids-limit': { kind: 'number', help: 'number of processes' },
    'l3-cache-schema': { kind: 'string', help: 'shares of the L3 cache: L3:0=ff;1=c0' },
    'mem-bw-schema': { kind: 'string', help: 'shares of memory bandwidth: MB:0=20;1=70' },
  },
  minimumArguments: 1,
  maximumArguments: 1,
  async run({ flags, root, log }) {
    const store = new StateStore(root);
    const record = store.read(checkContainerId(flags.positional[0]));
    if (statusOf(record, store) === 'stopped')
      throw new StackError('conflict', 'container not running');
    const cgroup = recordedCgroup(record.cgroupPath);
    if (!cgroup)
      throw new StackError('unimplemented', 'a container without a cgroup has no limits');
    const file = flags.text('resources');
    const resources = file === undefined ? fromFlags(flags) : fromFile(file);
    if (record.unit) {
      await (await import('../host/systemd-unit.ts')).updateUnit(record.unit, resources);
    }
    const shares = await updateShares(record, flags, pids(cgroup));
    applyResources(cgroup, resources, (message) => log.warn(message));
    const changed = { ...record, ...shares };
    store.write({ ...changed, config: mergeResources(changed.config, resources) });
    return 0;
  },
};

/** Intel RDT: new shares for the group that the container is in, or one of its own from now on. */
async function updateShares(
  { id, config, resctrl }: ContainerRecord,
  flags: Flags,
  processes: readonly number[],
): Promise<Partial<ContainerRecord>> {
  const shares = withoutUndefined({
    l3CacheSchema: flags.text('l3-cache-schema') || undefined,
    memBwSchema: flags.text('mem-bw-schema') || undefined,
  });
  if (Object.keys(shares).length === 0) return {};
  const { findResctrl, joinResctrl, prepareResctrl, updateResctrl } =
    await import('#lib/resctrl/resctrl');
  const group = resctrl ?? prepareResctrl(findResctrl(), id, shares);
  if (resctrl) updateResctrl(resctrl, shares);
  else for (const pid of processes) joinResctrl(group, pid);
  const intelRdt = { ...config.linux?.intelRdt, ...shares };
  return { resctrl: group, config: { ...config, linux: { ...config.linux, intelRdt } } };
}

/** The limits that the next update, and whoever reads the state, start from. */
function mergeResources(
  config: ReturnType<StateStore['read']>['config'],
  changed: Resources,
): typeof config {
  const own = config.linux?.resources ?? {};
  const resources: Resources = {
    ...own,
    ...changed,
    ...((own.memory ?? changed.memory) && { memory: { ...own.memory, ...changed.memory } }),
    ...((own.cpu ?? changed.cpu) && { cpu: { ...own.cpu, ...changed.cpu } }),
  };
  return { ...config, linux: { ...config.linux, resources } };
}

function fromFile(file: string): Resources {
  try {
    return parseResources(JSON.parse(fs.readFileSync(file === '-' ? 0 : file, 'utf8')));
  } catch (error) {
    throw new StackError('invalid_argument', `--resources ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function fromFlags(flags: Flags): Resources {
  const memory = withoutUndefined({
    limit: flags.bytes('memory'),
    reservation: flags.bytes('memory-reservation'),
    swap: flags.bytes('memory-swap'),
    kernel: flags.bytes('kernel-memory'),
    kernelTCP: flags.bytes('kernel-memory-tcp'),
  });
  const cpu = withoutUndefined({
    shares: flags.number('cpu-share'),
    period: flags.number('cpu-period'),
    quota: flags.number('cpu-quota'),
    burst: flags.number('cpu-burst'),
    realtimePeriod: flags.number('cpu-rt-period'),
    realtimeRuntime: flags.number('cpu-rt-runtime'),
    idle: flags.number('cpu-idle'),
  });
  const cpuset = withoutUndefined({
    cpus: flags.text('cpuset-cpus'),
    mems: flags.text('cpuset-mems'),
  });
  const limit = flags.number('pids-limit');
  const weight = flags.number('blkio-weight');
  return parseResources({
    memory,
    cpu: { ...cpu, ...cpuset },
    ...(limit !== undefined && { pids: { limit } }),
    ...(weight !== undefined && { blockIO: { weight } }),
  });
}

function withoutUndefined<V>(values: Record<string, V | undefined>): Record<string, V> {
  const given = Object.entries(values).filter(
    (entry): entry is [string, V] => entry[1] !== undefined,
  );
  return Object.fromEntries(given);
}
