/** What a container may leave behind on the machine, told by its id and its bundle. */
import fs from 'node:fs';
import path from 'node:path';
import { cgroupsOf, processesIn, type Fixture } from '../runtime/fixture.ts';

/** One line for each process, mount, cgroup, FIFO, socket and record. */
export function leftoversOf({ bundle, id }: Pick<Fixture, 'bundle' | 'id'>): string[] {
  const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [
    ...processesIn(id).map((pid) => `process ${pid}`),
    ...cgroupsOf(id).map((cgroup) => `cgroup ${cgroup}`),
    ...mounts.filter((line) => line.includes(bundle.directory)).map((line) => `mount ${line}`),
    ...fs
      .readdirSync(bundle.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFIFO() || entry.isSocket())
      .map((entry) => `file ${path.join(entry.parentPath, entry.name)}`),
    ...(fs.existsSync(bundle.root) ? fs.readdirSync(bundle.root) : []).map(
      (name) => `record ${name}`,
    ),
  ];
}
