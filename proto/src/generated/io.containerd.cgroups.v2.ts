// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';

/** Resource usage of a container on cgroup v2. Bytes and microseconds, as the kernel's files count them. */
export interface Metrics {
  pids?: PidsStat;
  cpu?: CPUStat;
  memory?: MemoryStat;
  rdma?: RdmaStat;
  io?: IOStat;
  hugetlb: HugeTlbStat[];
  memoryEvents?: MemoryEvents;
  network: NetworkStat[];
}
export const Metrics = /* @__PURE__ */ defineMessage<Metrics>('io.containerd.cgroups.v2.Metrics', () => [
  [1, 'pids', PidsStat],
  [2, 'cpu', CPUStat],
  [4, 'memory', MemoryStat],
  [5, 'rdma', RdmaStat],
  [6, 'io', IOStat],
  [7, 'hugetlb', HugeTlbStat, 'repeated'],
  [8, 'memoryEvents', MemoryEvents],
  [9, 'network', NetworkStat, 'repeated'],
]);

/** One line of a pressure file: percentages, and microseconds in total. */
export interface PSIData {
  avg10: number;
  avg60: number;
  avg300: number;
  total: number;
}
export const PSIData = /* @__PURE__ */ defineMessage<PSIData>('io.containerd.cgroups.v2.PSIData', () => [
  [1, 'avg10', 'double'],
  [2, 'avg60', 'double'],
  [3, 'avg300', 'double'],
  [4, 'total', 'uint64'],
]);

export interface PSIStats {
  some?: PSIData;
  full?: PSIData;
}
export const PSIStats = /* @__PURE__ */ defineMessage<PSIStats>('io.containerd.cgroups.v2.PSIStats', () => [
  [1, 'some', PSIData],
  [2, 'full', PSIData],
]);

export interface PidsStat {
  current: number;
  /** The largest uint64 for `max`. */
  limit: number;
}
export const PidsStat = /* @__PURE__ */ defineMessage<PidsStat>('io.containerd.cgroups.v2.PidsStat', () => [
  [1, 'current', 'uint64'],
  [2, 'limit', 'uint64'],
]);

/** cpu.stat */
export interface CPUStat {
  usageUsec: number;
  userUsec: number;
  systemUsec: number;
  nrPeriods: number;
  nrThrottled: number;
  throttledUsec: number;
  psi?: PSIStats;
  nrBursts: number;
  burstUsec: number;
}
export const CPUStat = /* @__PURE__ */ defineMessage<CPUStat>('io.containerd.cgroups.v2.CPUStat', () => [
  [1, 'usageUsec', 'uint64'],
  [2, 'userUsec', 'uint64'],
  [3, 'systemUsec', 'uint64'],
  [4, 'nrPeriods', 'uint64'],
  [5, 'nrThrottled', 'uint64'],
  [6, 'throttledUsec', 'uint64'],
  [7, 'psi', PSIStats],
  [8, 'nrBursts', 'uint64'],
  [9, 'burstUsec', 'uint64'],
]);

/** memory.stat, with usage and limits from their own files. */
export interface MemoryStat {
  anon: number;
  file: number;
  kernelStack: number;
  slab: number;
  sock: number;
  shmem: number;
  fileMapped: number;
  fileDirty: number;
  fileWriteback: number;
  anonThp: number;
  inactiveAnon: number;
  activeAnon: number;
  inactiveFile: number;
  activeFile: number;
  unevictable: number;
  slabReclaimable: number;
  slabUnreclaimable: number;
  pgfault: number;
  pgmajfault: number;
  workingsetRefault: number;
  workingsetActivate: number;
  workingsetNodereclaim: number;
  pgrefill: number;
  pgscan: number;
  pgsteal: number;
  pgactivate: number;
  pgdeactivate: number;
  pglazyfree: number;
  pglazyfreed: number;
  thpFaultAlloc: number;
  thpCollapseAlloc: number;
  usage: number;
  /** The largest uint64 for `max`, as for swap. */
  usageLimit: number;
  swapUsage: number;
  swapLimit: number;
  maxUsage: number;
  swapMaxUsage: number;
  psi?: PSIStats;
  workingsetRefaultAnon: number;
  workingsetRefaultFile: number;
  workingsetActivateAnon: number;
  workingsetActivateFile: number;
}
export const MemoryStat = /* @__PURE__ */ defineMessage<MemoryStat>('io.containerd.cgroups.v2.MemoryStat', () => [
  [1, 'anon', 'uint64'],
  [2, 'file', 'uint64'],
  [3, 'kernelStack', 'uint64'],
  [4, 'slab', 'uint64'],
  [5, 'sock', 'uint64'],
  [6, 'shmem', 'uint64'],
  [7, 'fileMapped', 'uint64'],
  [8, 'fileDirty', 'uint64'],
  [9, 'fileWriteback', 'uint64'],
  [10, 'anonThp', 'uint64'],
  [11, 'inactiveAnon', 'uint64'],
  [12, 'activeAnon', 'uint64'],
  [13, 'inactiveFile', 'uint64'],
  [14, 'activeFile', 'uint64'],
  [15, 'unevictable', 'uint64'],
  [16, 'slabReclaimable', 'uint64'],
  [17, 'slabUnreclaimable', 'uint64'],
  [18, 'pgfault', 'uint64'],
  [19, 'pgmajfault', 'uint64'],
  [20, 'workingsetRefault', 'uint64'],
  [21, 'workingsetActivate', 'uint64'],
  [22, 'workingsetNodereclaim', 'uint64'],
  [23, 'pgrefill', 'uint64'],
  [24, 'pgscan', 'uint64'],
  [25, 'pgsteal', 'uint64'],
  [26, 'pgactivate', 'uint64'],
  [27, 'pgdeactivate', 'uint64'],
  [28, 'pglazyfree', 'uint64'],
  [29, 'pglazyfreed', 'uint64'],
  [30, 'thpFaultAlloc', 'uint64'],
  [31, 'thpCollapseAlloc', 'uint64'],
  [32, 'usage', 'uint64'],
  [33, 'usageLimit', 'uint64'],
  [34, 'swapUsage', 'uint64'],
  [35, 'swapLimit', 'uint64'],
  [36, 'maxUsage', 'uint64'],
  [37, 'swapMaxUsage', 'uint64'],
  [38, 'psi', PSIStats],
  [39, 'workingsetRefaultAnon', 'uint64'],
  [40, 'workingsetRefaultFile', 'uint64'],
  [41, 'workingsetActivateAnon', 'uint64'],
  [42, 'workingsetActivateFile', 'uint64'],
]);

/** memory.events */
export interface MemoryEvents {
  low: number;
  high: number;
  max: number;
  oom: number;
  oomKill: number;
  oomGroupKill: number;
}
export const MemoryEvents = /* @__PURE__ */ defineMessage<MemoryEvents>('io.containerd.cgroups.v2.MemoryEvents', () => [
  [1, 'low', 'uint64'],
  [2, 'high', 'uint64'],
  [3, 'max', 'uint64'],
  [4, 'oom', 'uint64'],
  [5, 'oomKill', 'uint64'],
  [6, 'oomGroupKill', 'uint64'],
]);

export interface RdmaStat {
  current: RdmaEntry[];
  limit: RdmaEntry[];
}
export const RdmaStat = /* @__PURE__ */ defineMessage<RdmaStat>('io.containerd.cgroups.v2.RdmaStat', () => [
  [1, 'current', RdmaEntry, 'repeated'],
  [2, 'limit', RdmaEntry, 'repeated'],
]);

export interface RdmaEntry {
  device: string;
  hcaHandles: number;
  hcaObjects: number;
}
export const RdmaEntry = /* @__PURE__ */ defineMessage<RdmaEntry>('io.containerd.cgroups.v2.RdmaEntry', () => [
  [1, 'device', 'string'],
  [2, 'hcaHandles', 'uint32'],
  [3, 'hcaObjects', 'uint32'],
]);

export interface IOStat {
  usage: IOEntry[];
  psi?: PSIStats;
}
export const IOStat = /* @__PURE__ */ defineMessage<IOStat>('io.containerd.cgroups.v2.IOStat', () => [
  [1, 'usage', IOEntry, 'repeated'],
  [2, 'psi', PSIStats],
]);

/** A line of io.stat */
export interface IOEntry {
  major: number;
  minor: number;
  rbytes: number;
  wbytes: number;
  rios: number;
  wios: number;
}
export const IOEntry = /* @__PURE__ */ defineMessage<IOEntry>('io.containerd.cgroups.v2.IOEntry', () => [
  [1, 'major', 'uint64'],
  [2, 'minor', 'uint64'],
  [3, 'rbytes', 'uint64'],
  [4, 'wbytes', 'uint64'],
  [5, 'rios', 'uint64'],
  [6, 'wios', 'uint64'],
]);

export interface HugeTlbStat {
  current: number;
  max: number;
  /** `2MB` */
  pagesize: string;
  failcnt: number;
}
export const HugeTlbStat = /* @__PURE__ */ defineMessage<HugeTlbStat>('io.containerd.cgroups.v2.HugeTlbStat', () => [
  [1, 'current', 'uint64'],
  [2, 'max', 'uint64'],
  [3, 'pagesize', 'string'],
  [4, 'failcnt', 'uint64'],
]);

export interface NetworkStat {
  name: string;
  rxBytes: number;
  rxPackets: number;
  rxErrors: number;
  rxDropped: number;
  txBytes: number;
  txPackets: number;
  txErrors: number;
  txDropped: number;
}
export const NetworkStat = /* @__PURE__ */ defineMessage<NetworkStat>('io.containerd.cgroups.v2.NetworkStat', () => [
  [1, 'name', 'string'],
  [2, 'rxBytes', 'uint64'],
  [3, 'rxPackets', 'uint64'],
  [4, 'rxErrors', 'uint64'],
  [5, 'rxDropped', 'uint64'],
  [6, 'txBytes', 'uint64'],
  [7, 'txPackets', 'uint64'],
  [8, 'txErrors', 'uint64'],
  [9, 'txDropped', 'uint64'],
]);
