/** Puts the device rules of config.json in force on a cgroup v2 directory. */
import fs from 'node:fs';
import type { DeviceRule } from '#spec/oci/resources';
import {
  attachDeviceProgram,
  attachedDevicePrograms,
  detachDeviceProgram,
  loadDeviceProgram,
} from '../sys/bpf.ts';
import { deviceProgram } from './device-program.ts';

/**
 * Replaces the filters of the cgroup `directory` by one for `rules`. The new one is attached before the old ones
 * leave, and all must permit: there is no moment without a filter. Throws SyscallError.
 */
export function replaceDeviceProgram(directory: string, rules: readonly DeviceRule[]): void {
  const opened: number[] = [];
  const keep = (fd: number) => {
    opened.push(fd);
    return fd;
  };
  try {
    const cgroup = keep(fs.openSync(directory, fs.constants.O_DIRECTORY));
    const before = attachedDevicePrograms(cgroup).map(keep);
    attachDeviceProgram(cgroup, keep(loadDeviceProgram(deviceProgram(rules))));
    for (const program of before) detachDeviceProgram(cgroup, program);
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}
