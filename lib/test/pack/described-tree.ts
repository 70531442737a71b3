/** Everything that lstat, getxattr and read say of a tree, for comparisons. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { lgetxattr, llistxattr } from '#lib/sys/xattr';

export interface DescribedFile {
  /** From the folder on; `.` is the folder itself. */
  readonly name: string;
  readonly isDirectory: boolean;
  /** As overlayfs has them: a character device 0:0. */
  readonly isWhiteout: boolean;
}

export interface Description {
  /** Whether the time of this one counts. All do by default. */
  readonly timed?: (file: DescribedFile) => boolean;
  /** Whether the attributes count by which overlayfs knows its directories. */
  readonly overlayAttributes?: boolean;
}

/** One line per file, by path. Names stay bytes. */
export function describeTree(
  folder: string,
  { timed = () => true, overlayAttributes = false }: Description = {},
): string[] {
  const lines: string[] = [];
  const inodes = new Map<bigint, string>();
  const visit = (name: string) => {
    const file = Buffer.from(path.join(folder, name), 'latin1');
    const { mode, uid, gid, size, rdev, mtimeNs, ino, nlink } = fs.lstatSync(file, {
      bigint: true,
    });
    const kind = Number(mode) & fs.constants.S_IFMT;
    const isDirectory = kind === fs.constants.S_IFDIR;
    const first = inodes.get(ino) ?? name;
    inodes.set(ino, first);
    const raw = Buffer.concat([file, Buffer.of(0)]);
    const xattrs = llistxattr(raw)
      .filter((key) => overlayAttributes || !key.startsWith('trusted.overlay.'))
      .sort()
      .map((key) => `${key}=${lgetxattr(raw, key).toString('hex')}`);
    const content =
      kind === fs.constants.S_IFLNK
        ? fs.readlinkSync(file, 'latin1')
        : kind === fs.constants.S_IFREG
          ? createHash('sha256').update(fs.readFileSync(file)).digest('hex')
          : '';
    const isWhiteout = kind === fs.constants.S_IFCHR && rdev === 0n;
    const time = timed({ name, isDirectory, isWhiteout }) ? mtimeNs : '';
    const facts = [mode.toString(8), uid, gid, isDirectory ? '' : `${size} ${nlink}`, rdev, time];
    lines.push([name, ...facts, first, content, ...xattrs].join(' '));
    if (!isDirectory) return;
    for (const child of fs.readdirSync(file, 'latin1').sort()) visit(path.join(name, child));
  };
  visit('.');
  return lines;
}
