/** The group above the containers' own, which runtimes make and nobody removes. */
import fs from 'node:fs';
import path from 'node:path';

const cgroupRoot = '/sys/fs/cgroup';

/** Removes `parent` in every hierarchy where nothing is left in it. Another engine may still use it. */
export async function removeEmptyCgroups(parent: string): Promise<void> {
  const hierarchies = await fs.promises.readdir(cgroupRoot, { withFileTypes: true });
  const roots = [
    cgroupRoot,
    ...hierarchies
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => path.join(cgroupRoot, name)),
  ];
  for (const root of roots) {
    try {
      await fs.promises.rmdir(path.join(root, parent));
    } catch {
      // not there, or in use
    }
  }
}
