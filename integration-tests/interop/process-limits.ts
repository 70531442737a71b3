/** A container's process as the host sees it, and the limits that the kernel holds it to. */
import fs from 'node:fs';
import path from 'node:path';

const cgroupRoot = '/sys/fs/cgroup';

/** Process id of whatever runs with exactly these arguments. */
export function findProcess(argv: readonly string[]): string | undefined {
  const commandLine = argv.map((word) => `${word}\0`).join('');
  return fs.readdirSync('/proc').find((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') === commandLine;
    } catch {
      return false; // not a process, or not any more
    }
  });
}

/** Folder by controller; that of cgroup v2 has the empty name. */
export function cgroupsOf(pid: string): ReadonlyMap<string, string> {
  const lines = fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, controllers = '', cgroup = ''] = line.split(':');
      return controllers.split(',').map((name) => [name, path.join(cgroupRoot, name, cgroup)]);
    }),
  );
}

/** The first of `files` that `controller` has, on version 1 or 2. */
export function readLimit(
  cgroups: ReadonlyMap<string, string>,
  controller: string,
  files: readonly string[],
): number {
  const folder = cgroups.get(controller) ?? cgroups.get('') ?? '';
  const file = files.map((name) => path.join(folder, name)).find((name) => fs.existsSync(name));
  return Number(fs.readFileSync(file ?? folder, 'utf8'));
}
