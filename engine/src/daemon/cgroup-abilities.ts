/** What the cgroups of this host can do: which files their controllers have. */
import fs from 'node:fs';
import path from 'node:path';
import { controllerDirectory, detectCgroups } from '#lib/cgroup/layout';
import type { CgroupAbilities } from '../container-spec/resources.ts';

/** Read once at the start: controllers do not come and go. */
export function cgroupAbilities(): CgroupAbilities {
  const root = { layout: detectCgroups(), path: '/' };
  const unified = root.layout.version === 'v2';
  const file = (controller: string, name: string): string =>
    path.join(controllerDirectory(root, controller) ?? '/nonexistent', name);
  const has = (controller: string, name: string): boolean =>
    !unified && fs.existsSync(file(controller, name));
  const effective = unified ? '.effective' : '';
  return {
    swapLimit: unified || has('memory', 'memory.memsw.limit_in_bytes'),
    memorySwappiness: has('memory', 'memory.swappiness'),
    oomKillDisable: has('memory', 'memory.oom_control'),
    kernelMemoryTcp: has('memory', 'memory.kmem.tcp.limit_in_bytes'),
    cpuRealtime: has('cpu', 'cpu.rt_runtime_us'),
    cpusetCpus: readOr(file('cpuset', `cpuset.cpus${effective}`), ''),
    cpusetMems: readOr(file('cpuset', `cpuset.mems${effective}`), ''),
  };
}

function readOr(name: string, absent: string): string {
  try {
    return fs.readFileSync(name, 'utf8').trim();
  } catch {
    return absent; // no such controller
  }
}
