/** Cgroups that peers make for their containers and never remove. */
import fs from 'node:fs';
import path from 'node:path';

const cgroupRoot = '/sys/fs/cgroup';

/** Removes the cgroup `name` and all below it from every hierarchy. Throws EBUSY where processes are left. */
export function removeCgroups(name: string): void {
  for (const folder of [cgroupRoot, ...hierarchies()]) removeTree(path.join(folder, name));
}

function hierarchies(): string[] {
  return fs
    .readdirSync(cgroupRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(cgroupRoot, entry.name));
}

/** The files in a cgroup cannot be removed, and go with it. */
function removeTree(folder: string): void {
  if (!fs.existsSync(folder)) return;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(path.join(folder, entry.name));
  }
  fs.rmdirSync(folder);
}
