/** What containers may leave behind on the machine, told by their ids and the bundle that they share. */
import fs from 'node:fs';
import path from 'node:path';

export interface Traces {
  /** How the names of the containers and of their cgroups begin. */
  id: string;
  /** Folder of all files but the records, and that of the records. */
  bundle: { directory: string; root: string };
}

/** One line for each process that lives, mount, cgroup, FIFO, socket and record of the containers `<id>…`. */
export function leftoversOf({ bundle, id }: Traces): string[] {
  const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const ofBundle = fs.readdirSync(bundle.directory, { recursive: true, withFileTypes: true });
  return [
    ...processes(id).map((pid) => `process ${pid}`),
    ...cgroups(id).map((cgroup) => `cgroup ${cgroup}`),
    ...mounts.filter((line) => line.includes(bundle.directory)).map((line) => `mount ${line}`),
    ...ofBundle
      .filter((entry) => entry.isFIFO() || entry.isSocket())
      .map((entry) => `file ${path.join(entry.parentPath, entry.name)}`),
    ...(fs.existsSync(bundle.root) ? fs.readdirSync(bundle.root) : []).map(
      (name) => `record ${name}`,
    ),
  ];
}

/** Session keyrings of the containers `<id>…`: they go once somebody has waited for the last process. */
export function keyringsOf(id: string): string[] {
  const keys = fs.readFileSync('/proc/keys', 'utf8').split('\n');
  return keys.filter((line) => line.includes(id));
}

function processes(id: string): string[] {
  return fs.readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const isZombie = / [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
      return !isZombie && fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${id}`);
    } catch {
      return false; // ended meanwhile
    }
  });
}

function cgroups(id: string): string[] {
  const root = '/sys/fs/cgroup';
  return ['.', ...fs.readdirSync(root)].flatMap((hierarchy) => {
    const folder = path.join(root, hierarchy);
    if (!fs.statSync(folder).isDirectory()) return [];
    return fs
      .readdirSync(folder)
      .filter((name) => name.startsWith(id))
      .map((name) => path.join(folder, name));
  });
}
