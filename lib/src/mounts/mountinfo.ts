/** What is mounted where, as the kernel tells in /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
import fs from 'node:fs';

/** One line: a mount in the order in which mounts came into being. */
export interface MountEntry {
  readonly id: number;
  /** Path within the file system that is shown there. */
  readonly root: string;
  readonly mountPoint: string;
  /** Of this mount alone: `rw`, `nosuid`, … */
  readonly options: readonly string[];
  /** `shared:N`, `master:N`: how mounts below propagate. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Of the file system, wherever it is mounted. */
  readonly superOptions: readonly string[];
}

/** All mounts that `pid` sees, unescaped. */
export function readMounts(pid: number | 'self' = 'self'): MountEntry[] {
  return parseMountinfo(fs.readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** Reads the text of such a file. */
export function parseMountinfo(text: string): MountEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      // Some optional fields stand between the sixth and a lone dash.
      const dash = fields.indexOf('-', 6);
      const [id = '', , , root = '', mountPoint = '', options = ''] = fields;
      const [type = '', source = '', superOptions = ''] = fields.slice(dash + 1);
      return {
        id: Number(id),
        root: unescaped(root),
        mountPoint: unescaped(mountPoint),
        options: options.split(','),
        propagation: fields.slice(6, dash),
        type,
        source: unescaped(source),
        superOptions: superOptions.split(','),
      };
    });
}

/** The mount that covers all others at exactly `place`, which is a real path; undefined where nothing is mounted. */
export function mountAt(mounts: readonly MountEntry[], place: string): MountEntry | undefined {
  return mounts.findLast(({ mountPoint }) => mountPoint === place);
}

/** The mount that `file`, a real path, lies on. */
export function mountOf(mounts: readonly MountEntry[], file: string): MountEntry | undefined {
  const onTheWay = mounts.filter(
    ({ mountPoint }) =>
      mountPoint === '/' || mountPoint === file || file.startsWith(`${mountPoint}/`),
  );
  // Of the mounts on the way the nearest counts, and of those on one point the last.
  const longest = Math.max(0, ...onTheWay.map(({ mountPoint }) => mountPoint.length));
  return onTheWay.findLast(({ mountPoint }) => mountPoint.length === longest);
}

/** The kernel writes space, tab, newline and backslash as octal numbers. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
