/** open_tree(2), mount_setattr(2) and move_mount(2): a second mount of a folder whose owners a user namespace translates. */
import fs from 'node:fs';
import { AT_FDCWD, atFlags, mountAttributes, moveMountFlags, openTreeFlags } from './flags.ts';
import { check, libcFunction } from './libc.ts';
import { syscallNumber } from './syscalls.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const openTree = libcFunction('long syscall(long number, int, const char *, unsigned int)');
const mountSetattr = libcFunction(
  'long syscall(long number, int, const char *, unsigned int, void *, size_t)',
);
const moveMount = libcFunction(
  'long syscall(long number, int, const char *, int, const char *, unsigned int)',
);

/** struct mount_attr: attr_set, attr_clr, propagation, userns_fd, 64 bits each. */
const attributesSize = 32;

/**
 * Mounts the folder `source`, without what is mounted below it, on `target`. Files that belong to an id inside of the
 * namespace `userNamespace` belong there to that id's owner outside. Throws unimplemented or invalid_argument (EINVAL)
 * where the file system has no such mounts.
 */
export function mountIdMapped(source: string, target: string, userNamespace: number): void {
  const flags = openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC;
  const number = (name: 'open_tree' | 'mount_setattr' | 'move_mount') =>
    syscallNumber(name, architecture);
  const tree = check(openTree(number('open_tree'), AT_FDCWD, source, flags), 'open_tree', source);
  try {
    const attributes = Buffer.alloc(attributesSize);
    attributes.writeBigUInt64LE(BigInt(mountAttributes.MOUNT_ATTR_IDMAP), 0);
    attributes.writeBigUInt64LE(BigInt(userNamespace), 24);
    const { AT_EMPTY_PATH } = atFlags;
    check(
      mountSetattr(number('mount_setattr'), tree, '', AT_EMPTY_PATH, attributes, attributesSize),
      'mount_setattr',
      source,
    );
    check(
      moveMount(
        number('move_mount'),
        ...([tree, '', AT_FDCWD, target, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH] as const),
      ),
      'move_mount',
      target,
    );
  } finally {
    fs.closeSync(tree);
  }
}
