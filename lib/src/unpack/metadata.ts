/** Owner, attributes, mode and times of what was just made: in this order, because each step can undo a later one. */
import {
  fchmod,
  fchmodat,
  fchown,
  futimens,
  lchownat,
  lstatat,
  lutimensat,
  S_IFLNK,
  S_IFMT,
  type FileStatus,
  type RawPath,
  type Timespec,
} from '#lib/sys/file';
import { fsetxattr, lgetxattr, llistxattr, lsetxattr } from '#lib/sys/xattr';
import { isCode, rawPath } from './directory-tree.ts';
import type { ByteString, TarEntry } from './tar-entry.ts';

/** An extended attribute that was left out, and why. */
export type OnSkippedXattr = (name: string, reason: string) => void;

/** Makes an open file or directory what `entry` says, except for the times of a directory, which change until the end. */
export function applyToDescriptor(fd: number, entry: TarEntry, onSkipped: OnSkippedXattr): void {
  fchown(fd, entry.uid, entry.gid); // clears setuid and file capabilities
  if (entry.xattrs.size > 0)
    setXattrs(entry, onSkipped, (name, value) => fsetxattr(fd, name, value));
  fchmod(fd, entry.mode);
  if (entry.type !== 'directory') futimens(fd, accessTimeOf(entry), modificationTimeOf(entry));
}

/** The same for what cannot be opened without side effects: a device, a FIFO, or a link itself. */
export function applyToName(
  parentFd: number,
  name: ByteString,
  entry: TarEntry,
  onSkipped: OnSkippedXattr,
): void {
  const path = rawPath(name);
  lchownat(parentFd, path, entry.uid, entry.gid);
  if (entry.xattrs.size > 0) {
    const byDescriptor = rawPath(`/proc/self/fd/${parentFd}/${name}`);
    setXattrs(entry, onSkipped, (key, value) => lsetxattr(byDescriptor, key, value));
  }
  if (entry.type !== 'symlink') fchmodat(parentFd, path, entry.mode); // a link has no mode of its own
  lutimensat(parentFd, path, accessTimeOf(entry), modificationTimeOf(entry));
}

/**
 * The same for one more name of a file, which has all that already: as with containerd the last entry says what it is. A
 * change of owner clears file capabilities; they are kept, whether or not the entry repeats them.
 */
export function applyToLink(
  parentFd: number,
  name: ByteString,
  entry: TarEntry,
  onSkipped: OnSkippedXattr,
): void {
  const path = rawPath(name);
  const status = lstatat(parentFd, path);
  const isSymlink = (status.mode & S_IFMT) === S_IFLNK;
  const byDescriptor = rawPath(`/proc/self/fd/${parentFd}/${name}`);
  if (status.uid !== entry.uid || status.gid !== entry.gid) {
    const capability = capabilityOf(byDescriptor);
    lchownat(parentFd, path, entry.uid, entry.gid);
    if (capability) lsetxattr(byDescriptor, capabilityName, capability);
  }
  setXattrs(entry, onSkipped, (key, value) => lsetxattr(byDescriptor, key, value));
  if (!isSymlink && lstatat(parentFd, path).mode !== ((status.mode & S_IFMT) | entry.mode)) {
    fchmodat(parentFd, path, entry.mode);
  }
  lutimensat(parentFd, path, accessTimeOf(entry), modificationTimeOf(entry));
}

function capabilityOf(path: RawPath): Buffer | undefined {
  try {
    return lgetxattr(path, capabilityName);
  } catch (error) {
    if (isCode(error, 'ENODATA', 'EOPNOTSUPP', 'ENOTSUP')) return undefined;
    throw error;
  }
}

const capabilityName = 'security.capability';

/** Gives an implied directory what the same directory has in a lower layer. Returns the times to set at the end. */
export function copyDirectoryMetadata(
  fd: number,
  lowerFd: number,
  lower: FileStatus,
): DirectoryTimes {
  fchown(fd, lower.uid, lower.gid);
  const source = `/proc/self/fd/${lowerFd}/.`;
  for (const name of llistxattr(source)) {
    if (!isReserved(name)) fsetxattr(fd, name, lgetxattr(source, name));
  }
  fchmod(fd, lower.mode & 0o7777);
  return { access: lower.accessTime, modification: lower.modificationTime };
}

export interface DirectoryTimes {
  access: Timespec;
  modification: Timespec;
}

/** Where an archive names no access time, it is the modification time. */
export function accessTimeOf({ accessTime, modificationTime }: TarEntry): Timespec {
  return bounded(accessTime ?? modificationTime);
}

export function modificationTimeOf({ modificationTime }: TarEntry): Timespec {
  return bounded(modificationTime);
}

/** Before 1970 nothing happened, as for containerd and docker: a tree must look the same whoever has unpacked it. */
function bounded(time: Timespec): Timespec {
  return time.seconds < 0 ? { seconds: 0, nanoseconds: 0 } : time;
}

/**
 * Attributes that steer overlayfs or belong to the administrator: an archive that could set them would decide what
 * other layers show.
 */
function isReserved(name: string): boolean {
  return name.startsWith('trusted.') || name.startsWith('user.overlay.');
}

function setXattrs(
  { xattrs }: TarEntry,
  onSkipped: OnSkippedXattr,
  set: (name: string, value: Buffer) => void,
): void {
  for (const [name, value] of xattrs) {
    if (isReserved(name)) {
      onSkipped(name, 'reserved for the administrator');
      continue;
    }
    try {
      set(name, value);
    } catch (error) {
      if (!isCode(error, 'EOPNOTSUPP', 'ENOTSUP')) throw error;
      onSkipped(name, 'not supported by the file system');
    }
  }
}
