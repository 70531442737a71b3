/** Limits of config.json on cgroup v1. Zero means "not set", as in the Go programs that write these documents. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode, isStackError } from '#spec/errors';
import type {
  BlockIoResources,
  CpuResources,
  DeviceRule,
  MemoryResources,
  Resources,
} from '#spec/oci/resources';
import { readNumber, writeCgroupFile, writeIfPresent } from './cgroup-file.ts';
import { controllerDirectory, type Cgroup } from './layout.ts';
import type { Warn } from './warn.ts';

/** Applies what `resources` sets and leaves the rest as it is. */
export function applyV1(cgroup: Cgroup, resources: Resources, warn: Warn): void {
  const files = new ControllerFiles(cgroup);
  if (resources.devices) applyDevices(files, resources.devices);
  if (resources.memory) applyMemory(files, resources.memory, warn);
  if (resources.cpu) applyCpu(files, resources.cpu);
  const { limit } = resources.pids ?? {};
  if (limit !== undefined) files.write('pids', 'pids.max', limit < 0 ? 'max' : limit);
  if (resources.blockIO) applyBlockIo(files, resources.blockIO);
  for (const { pageSize, limit: bytes } of resources.hugepageLimits ?? []) {
    files.write('hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, bytes);
    files.writeIfPresent('hugetlb', `hugetlb.${pageSize}.rsvd.limit_in_bytes`, bytes);
  }
  const { classID, priorities = [] } = resources.network ?? {};
  if (classID) files.write('net_cls', 'net_cls.classid', classID);
  for (const { name, priority } of priorities) {
    files.write('net_prio', 'net_prio.ifpriomap', `${name} ${priority}`);
  }
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {})) {
    files.write(
      'rdma',
      'rdma.max',
      `${device} hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`,
    );
  }
  if (Object.keys(resources.unified ?? {}).length > 0) {
    throw new StackError('invalid_argument', 'linux.resources.unified: needs cgroup v2');
  }
}

/** Writes to files by controller; a limit for a controller that the machine lacks is an error. */
class ControllerFiles {
  readonly #cgroup: Cgroup;

  constructor(cgroup: Cgroup) {
    this.#cgroup = cgroup;
  }

  path(controller: string, file: string): string {
    const directory = controllerDirectory(this.#cgroup, controller);
    if (directory === undefined) {
      throw new StackError(
        'invalid_argument',
        `cannot set ${file}: this machine has no cgroup controller "${controller}"`,
      );
    }
    return path.join(directory, file);
  }

  write(controller: string, file: string, value: string | number): void {
    writeCgroupFile(this.path(controller, file), value);
  }

  writeIfPresent(controller: string, file: string, value: string | number): boolean {
    return writeIfPresent(this.path(controller, file), value);
  }
}

/** Deny first, then rule by rule in order: later rules win. */
function applyDevices(files: ControllerFiles, rules: readonly DeviceRule[]): void {
  if (rules.length === 0) return;
  files.write('devices', 'devices.deny', 'a *:* rwm');
  for (const rule of rules) {
    for (const line of deviceLines(rule)) {
      files.write('devices', rule.allow ? 'devices.allow' : 'devices.deny', line);
    }
  }
}

/** A rule as devices.allow takes it. The kernel reads `a` as all devices whatever follows, so a narrower one becomes two. */
function deviceLines({ type = 'a', major = -1, minor = -1, access }: DeviceRule): string[] {
  const permissions = access ? access : 'rwm';
  const all =
    major < 0 && minor < 0 && ['r', 'w', 'm'].every((letter) => permissions.includes(letter));
  if (type === 'a' && all) return ['a *:* rwm'];
  const kinds = type === 'a' ? ['b', 'c'] : [type === 'u' ? 'c' : type];
  const number = (value: number) => (value < 0 ? '*' : String(value));
  return kinds.map((kind) => `${kind} ${number(major)}:${number(minor)} ${permissions}`);
}

function applyMemory(files: ControllerFiles, memory: MemoryResources, warn: Warn): void {
  if (memory.kernel) warn('linux.resources.memory.kernel: no longer supported by Linux, ignored');
  applyMemoryLimits(files, memory);
  if (memory.reservation) {
    files.write('memory', 'memory.soft_limit_in_bytes', memory.reservation);
  }
  if (memory.kernelTCP) {
    files.write('memory', 'memory.kmem.tcp.limit_in_bytes', memory.kernelTCP);
  }
  if (memory.disableOOMKiller) files.write('memory', 'memory.oom_control', 1);
  if (memory.swappiness !== undefined) {
    files.write('memory', 'memory.swappiness', memory.swappiness);
  }
}

/** The kernel keeps memory <= memory + swap at every moment, so the order depends on which way the limit moves. */
function applyMemoryLimits(files: ControllerFiles, memory: MemoryResources): void {
  const limit = memory.limit ?? 0;
  // Lifting the memory limit alone would leave it capped by the old sum.
  const swap = limit === -1 && !memory.swap ? -1 : (memory.swap ?? 0);
  if (limit > 0 && memory.checkBeforeUpdate) refuseBelowUsage(files, limit);
  const writeLimit = () => {
    if (limit !== 0) files.write('memory', 'memory.limit_in_bytes', limit);
  };
  const writeSwap = () => {
    if (swap === 0) return;
    const present = files.writeIfPresent('memory', 'memory.memsw.limit_in_bytes', swap);
    // Without swap accounting there is nothing to lift.
    if (!present && swap !== -1 && memory.swap !== undefined && swap !== limit) {
      throw new StackError(
        'invalid_argument',
        'linux.resources.memory.swap: this kernel does not account for swap',
      );
    }
  };
  const current = readNumber(files.path('memory', 'memory.memsw.limit_in_bytes')) ?? Infinity;
  const raising = swap === -1 || swap > current;
  if (raising) writeSwap();
  try {
    writeLimit();
  } catch (error) {
    if (errorCode(error) !== 'EBUSY') throw error;
    const usage = readNumber(files.path('memory', 'memory.usage_in_bytes')) ?? 0;
    throw new StackError(
      'conflict',
      `cannot set the memory limit to ${limit}: ${usage} bytes are in use and cannot be reclaimed`,
      { cause: error },
    );
  }
  if (!raising) writeSwap();
}

function refuseBelowUsage(files: ControllerFiles, limit: number): void {
  const usage = readNumber(files.path('memory', 'memory.usage_in_bytes')) ?? 0;
  if (usage <= limit) return;
  throw new StackError(
    'conflict',
    `linux.resources.memory.limit: ${limit} is below the ${usage} bytes in use`,
  );
}

function applyCpu(files: ControllerFiles, cpu: CpuResources): void {
  if (cpu.shares) writeShares(files, cpu.shares);
  // A burst above the new quota, or a quota above a later burst, is refused: lower the burst first, raise it last.
  const burstFirst = cpu.burst === 0;
  if (burstFirst) files.writeIfPresent('cpu', 'cpu.cfs_burst_us', 0);
  if (cpu.period) writePeriod(files, cpu.period, cpu.quota);
  if (cpu.quota) files.write('cpu', 'cpu.cfs_quota_us', cpu.quota);
  if (cpu.burst && !burstFirst) files.write('cpu', 'cpu.cfs_burst_us', cpu.burst);
  if (cpu.idle !== undefined) files.write('cpu', 'cpu.idle', cpu.idle);
  if (cpu.realtimePeriod) files.write('cpu', 'cpu.rt_period_us', cpu.realtimePeriod);
  if (cpu.realtimeRuntime) files.write('cpu', 'cpu.rt_runtime_us', cpu.realtimeRuntime);
  if (cpu.cpus) files.write('cpuset', 'cpuset.cpus', cpu.cpus);
  if (cpu.mems) files.write('cpuset', 'cpuset.mems', cpu.mems);
}

/** The kernel takes any number and keeps the nearest that it allows. */
function writeShares(files: ControllerFiles, shares: number): void {
  files.write('cpu', 'cpu.shares', shares);
  const kept = readNumber(files.path('cpu', 'cpu.shares')) ?? shares;
  if (kept === shares) return;
  throw new StackError(
    'invalid_argument',
    `linux.resources.cpu.shares: the ${kept > shares ? 'minimum' : 'maximum'} allowed cpu-shares is ${kept}`,
  );
}

/** The ratio quota / period may not exceed the parent's at any moment: where it would, the quota goes first. */
function writePeriod(files: ControllerFiles, period: number, quota: number | undefined): void {
  try {
    files.write('cpu', 'cpu.cfs_period_us', period);
  } catch (error) {
    if (!quota || !isStackError(error, 'invalid_argument')) throw error;
    files.write('cpu', 'cpu.cfs_quota_us', quota);
    files.write('cpu', 'cpu.cfs_period_us', period);
  }
}

function applyBlockIo(files: ControllerFiles, blockIO: BlockIoResources): void {
  // The files depend on the scheduler: CFQ until Linux 5.0, BFQ since.
  const bfq = !fs.existsSync(files.path('blkio', 'blkio.weight'));
  const prefix = bfq ? 'blkio.bfq.' : 'blkio.';
  if (blockIO.weight) files.write('blkio', `${prefix}weight`, blockIO.weight);
  if (blockIO.leafWeight) files.write('blkio', 'blkio.leaf_weight', blockIO.leafWeight);
  for (const { major, minor, weight, leafWeight } of blockIO.weightDevice ?? []) {
    const device = `${major}:${minor}`;
    if (weight) files.write('blkio', `${prefix}weight_device`, `${device} ${weight}`);
    if (leafWeight) files.write('blkio', 'blkio.leaf_weight_device', `${device} ${leafWeight}`);
  }
  const throttles = {
    read_bps_device: blockIO.throttleReadBpsDevice,
    write_bps_device: blockIO.throttleWriteBpsDevice,
    read_iops_device: blockIO.throttleReadIOPSDevice,
    write_iops_device: blockIO.throttleWriteIOPSDevice,
  };
  for (const [file, limits = []] of Object.entries(throttles)) {
    for (const { major, minor, rate } of limits) {
      files.write('blkio', `blkio.throttle.${file}`, `${major}:${minor} ${BigInt(rate)}`);
    }
  }
}
