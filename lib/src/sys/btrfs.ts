/** ioctl(2) of btrfs about subvolumes (linux/btrfs.h). All but the id need CAP_SYS_ADMIN or a mount option. */
import fs from 'node:fs';
import path from 'node:path';
import { check, libcFunction } from './libc.ts';

const ioctlCall = libcFunction('int ioctl(int fd, unsigned long request, void *argument)');

/** _IOW and _IOWR of magic 0x94; the arguments are structures of one page. */
const requests = {
  BTRFS_IOC_SUBVOL_CREATE: 0x5000940e,
  BTRFS_IOC_SNAP_DESTROY: 0x5000940f,
  BTRFS_IOC_INO_LOOKUP: 0xd0009412,
  BTRFS_IOC_SNAP_CREATE_V2: 0x50009417,
} as const;

const BTRFS_SUBVOL_RDONLY = 2n;
/** The inode number that the top directory of every subvolume has. */
const BTRFS_FIRST_FREE_OBJECTID = 256n;
const argumentBytes = 4096;
/** Where the name stands in `btrfs_ioctl_vol_args` and in its version 2. */
const nameOffset = 8;
const nameOffsetV2 = 56;

/** Makes an empty subvolume. Its parent directory exists. */
export function createSubvolume(target: string): void {
  inParent(target, (parent, name) => {
    const argument = Buffer.alloc(argumentBytes);
    argument.write(name, nameOffset);
    control(parent, 'BTRFS_IOC_SUBVOL_CREATE', argument, target);
  });
}

/** Makes `target` a snapshot of the subvolume `source`. */
export function snapshotSubvolume(source: string, target: string, readOnly: boolean): void {
  withDirectory(source, (sourceFd) => {
    inParent(target, (parent, name) => {
      const argument = Buffer.alloc(argumentBytes);
      argument.writeBigInt64LE(BigInt(sourceFd), 0);
      argument.writeBigUInt64LE(readOnly ? BTRFS_SUBVOL_RDONLY : 0n, 16);
      argument.write(name, nameOffsetV2);
      control(parent, 'BTRFS_IOC_SNAP_CREATE_V2', argument, target);
    });
  });
}

/** Removes a subvolume with all that it holds, which the kernel does later. Other subvolumes in it must go first. */
export function destroySubvolume(target: string): void {
  inParent(target, (parent, name) => {
    const argument = Buffer.alloc(argumentBytes);
    argument.write(name, nameOffset);
    control(parent, 'BTRFS_IOC_SNAP_DESTROY', argument, target);
  });
}

/** The id by which a subvolume is mounted (`subvolid=`). */
export function subvolumeId(target: string): bigint {
  return withDirectory(target, (fd) => {
    const argument = Buffer.alloc(argumentBytes);
    argument.writeBigUInt64LE(BTRFS_FIRST_FREE_OBJECTID, 8);
    control(fd, 'BTRFS_IOC_INO_LOOKUP', argument, target);
    return argument.readBigUInt64LE(0);
  });
}

function control(
  fd: number,
  request: keyof typeof requests,
  argument: Buffer,
  target: string,
): void {
  check(ioctlCall(fd, requests[request], argument), `ioctl ${request}`, target);
}

function inParent<T>(target: string, act: (parent: number, name: string) => T): T {
  return withDirectory(path.dirname(target), (parent) => act(parent, path.basename(target)));
}

function withDirectory<T>(directory: string, act: (fd: number) => T): T {
  const fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    return act(fd);
  } finally {
    fs.closeSync(fd);
  }
}
