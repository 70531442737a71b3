/** Options of a tmpfs as `--tmpfs` takes them. */
import { StackError } from '#spec/errors';

/** Options that contradict each other stand in one row; of a row the last one given holds. */
const flags = [
  ['ro', 'rw'],
  ['nosuid', 'suid'],
  ['nodev', 'dev'],
  ['noexec', 'exec'],
  ['sync', 'async'],
  ['dirsync'],
  ['remount'],
  ['mand', 'nomand'],
  ['atime', 'noatime'],
  ['diratime', 'nodiratime'],
  ['bind', 'rbind'],
  ['private', 'shared', 'slave', 'unbindable', 'rprivate', 'rshared', 'rslave', 'runbindable'],
  ['relatime', 'norelatime'],
  ['strictatime', 'nostrictatime'],
  ['defaults'],
];
const values = ['mode', 'uid', 'gid', 'size', 'mpol', 'nr_inodes', 'nr_blocks'];

/** Each kind of option once, the last one given. Throws invalid_argument for one that a tmpfs does not have. */
export function mergedTmpfsOptions(options: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const option of options) {
    const [name = '', value] = option.split('=', 2);
    const row = flags.find((names) => names.includes(option))?.[0];
    const kind = row ?? (value && values.includes(name) ? name : undefined);
    if (kind === undefined) {
      throw new StackError('invalid_argument', `invalid tmpfs option ["${option}"]`);
    }
    merged.delete(kind); // its place is that of the last
    merged.set(kind, option);
  }
  return [...merged.values()];
}
