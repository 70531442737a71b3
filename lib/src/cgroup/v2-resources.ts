/** Limits of config.json on cgroup v2. Zero means "not set", as in the Go programs that write these documents. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import type {
  BlockIoResources,
  CpuResources,
  MemoryResources,
  Resources,
} from '#spec/oci/resources';
import { replaceDeviceProgram } from '../bpf/attach-device-program.ts';
import { readIfPresent, readNumber, writeCgroupFile, writeIfPresent } from './cgroup-file.ts';
import { cpuWeight, ioWeight, swapMax } from './conversions.ts';
import type { Warn } from './warn.ts';

/** Applies what `resources` sets in `directory` and leaves the rest as it is. */
export function applyV2(directory: string, resources: Resources, warn: Warn): void {
  const write: WriteFile = (file, value) => {
    writeCgroupFile(path.join(directory, file), value);
  };
  refuseV1Only(resources);
  if (resources.devices?.length) replaceDeviceProgram(directory, resources.devices);
  if (resources.memory) applyMemory(directory, resources.memory, warn);
  if (resources.cpu) applyCpu(directory, resources.cpu);
  const { limit } = resources.pids ?? {};
  if (limit !== undefined) write('pids.max', limit < 0 ? 'max' : limit);
  if (resources.blockIO) applyBlockIo(directory, resources.blockIO, warn);
  for (const { pageSize, limit: bytes } of resources.hugepageLimits ?? []) {
    write(`hugetlb.${pageSize}.max`, bytes);
    writeIfPresent(path.join(directory, `hugetlb.${pageSize}.rsvd.max`), bytes);
  }
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {})) {
    write(
      'rdma.max',
      `${device} hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`,
    );
  }
  // Last, so that it can say what the properties above cannot. A value may have several lines: one write each.
  for (const [file, content] of Object.entries(resources.unified ?? {})) {
    for (const line of content.split('\n')) write(file, line);
  }
}

type WriteFile = (file: string, value: string | number) => void;

function refuseV1Only({ cpu, network, memory }: Resources): void {
  const given: Readonly<Record<string, unknown>> = {
    'cpu.realtimeRuntime': cpu?.realtimeRuntime,
    'cpu.realtimePeriod': cpu?.realtimePeriod,
    'network.classID': network?.classID,
    'network.priorities': network?.priorities?.length,
    'memory.kernelTCP': memory?.kernelTCP,
  };
  for (const [property, value] of Object.entries(given)) {
    if (value) {
      throw new StackError('invalid_argument', `linux.resources.${property}: needs cgroup v1`);
    }
  }
}

function applyMemory(directory: string, memory: MemoryResources, warn: Warn): void {
  if (memory.kernel) warn('linux.resources.memory.kernel: cgroup v2 has no such limit, ignored');
  if (memory.disableOOMKiller) {
    warn('linux.resources.memory.disableOOMKiller: cgroup v2 cannot do this, ignored');
  }
  if (memory.swappiness !== undefined) {
    warn('linux.resources.memory.swappiness: cgroup v2 has no such setting, ignored');
  }
  const { limit, reservation } = memory;
  if (limit && limit > 0 && memory.checkBeforeUpdate) {
    const usage = readNumber(path.join(directory, 'memory.current')) ?? 0;
    if (usage > limit) {
      throw new StackError(
        'conflict',
        `linux.resources.memory.limit: ${limit} is below the ${usage} bytes in use`,
      );
    }
  }
  const swap = swapMax(memory.swap ?? 0, limit);
  if (swap !== undefined) {
    const present = writeIfPresent(path.join(directory, 'memory.swap.max'), swap);
    if (!present && swap !== 'max' && swap !== 0) {
      throw new StackError(
        'invalid_argument',
        'linux.resources.memory.swap: this kernel does not account for swap',
      );
    }
  }
  if (limit) writeCgroupFile(path.join(directory, 'memory.max'), limit < 0 ? 'max' : limit);
  if (reservation) {
    writeCgroupFile(path.join(directory, 'memory.low'), reservation < 0 ? 'max' : reservation);
  }
}

function applyCpu(directory: string, cpu: CpuResources): void {
  const write: WriteFile = (file, value) => {
    writeCgroupFile(path.join(directory, file), value);
  };
  if (cpu.idle !== undefined) write('cpu.idle', cpu.idle);
  // The weight of an idle group is fixed by the kernel.
  if (cpu.shares && !cpu.idle) write('cpu.weight', cpuWeight(cpu.shares));
  if (cpu.burst === 0) writeIfPresent(path.join(directory, 'cpu.max.burst'), 0);
  if (cpu.quota || cpu.period) write('cpu.max', cpuMax(directory, cpu));
  if (cpu.burst) write('cpu.max.burst', cpu.burst);
  if (cpu.cpus) write('cpuset.cpus', cpu.cpus);
  if (cpu.mems) write('cpuset.mems', cpu.mems);
}

/** `QUOTA PERIOD`; what is not given keeps its value. */
function cpuMax(directory: string, { quota, period }: CpuResources): string {
  const current = readIfPresent(path.join(directory, 'cpu.max'))?.split(' ') ?? [];
  const quotaText = quota ? (quota > 0 ? String(quota) : 'max') : (current[0] ?? 'max');
  const periodText = period ? String(period) : (current[1] ?? '100000');
  return `${quotaText} ${periodText}`;
}

function applyBlockIo(directory: string, blockIO: BlockIoResources, warn: Warn): void {
  const bfq = path.join(directory, 'io.bfq.weight');
  const hasBfq = fs.existsSync(bfq);
  if (blockIO.weight) {
    if (hasBfq) writeCgroupFile(bfq, blockIO.weight);
    else writeCgroupFile(path.join(directory, 'io.weight'), `default ${ioWeight(blockIO.weight)}`);
  }
  if (blockIO.leafWeight) warn('linux.resources.blockIO.leafWeight: needs cgroup v1, ignored');
  for (const { major, minor, weight } of blockIO.weightDevice ?? []) {
    if (!weight) continue;
    const device = `${major}:${minor}`;
    if (hasBfq) writeCgroupFile(bfq, `${device} ${weight}`);
    else writeCgroupFile(path.join(directory, 'io.weight'), `${device} ${ioWeight(weight)}`);
  }
  const throttles = {
    rbps: blockIO.throttleReadBpsDevice,
    wbps: blockIO.throttleWriteBpsDevice,
    riops: blockIO.throttleReadIOPSDevice,
    wiops: blockIO.throttleWriteIOPSDevice,
  };
  for (const [key, limits = []] of Object.entries(throttles)) {
    for (const { major, minor, rate } of limits) {
      // As on v1, a rate of zero lifts the limit.
      const value = rate === 0 ? 'max' : BigInt(rate).toString();
      writeCgroupFile(path.join(directory, 'io.max'), `${major}:${minor} ${key}=${value}`);
    }
  }
}
