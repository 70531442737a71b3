/** The cgroup that the runtime put a container into, found by its first process. */
import fs from 'node:fs';
import { openCgroup } from '#lib/cgroup/cgroup';
import { detectCgroups, type Cgroup } from '#lib/cgroup/layout';

/** Undefined where the container has no group of its own, or the process is gone. */
export function cgroupOf(pid: number): Cgroup | undefined {
  const layout = detectCgroups();
  let lines: string[];
  try {
    lines = fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  } catch {
    return undefined; // the process is gone
  }
  // `7:memory:/path` for each hierarchy, `0::/path` for cgroup v2
  const paths = new Map(
    lines.flatMap((line) => {
      const [, controllers = '', ...rest] = line.split(':');
      return controllers.split(',').map((controller) => [controller, rest.join(':')] as const);
    }),
  );
  const own =
    layout.version === 'v2'
      ? paths.get('')
      : (paths.get('memory') ?? paths.get('pids') ?? paths.get('devices'));
  return own === undefined || own === '/' ? undefined : openCgroup(layout, own);
}

/** The cgroup at a path that {@link cgroupOf} once found. */
export function cgroupAt(path: string): Cgroup {
  return openCgroup(detectCgroups(), path);
}
