/** How the arguments of system calls are shown to people: flags by name, descriptors by what they refer to. */
import * as flags from '#lib/sys/flags';
import type { SyscallName } from '#lib/sys/syscalls';
import { rlimitNumbers } from '#spec/rlimits';

/** Names of a flag word: bits that add up, or one value out of a list. */
export interface NamedValues {
  readonly names: Readonly<Record<string, number>>;
  readonly exclusive?: boolean;
}

/** `number`: decimal; `data`: what lies at the address; `fd`: a descriptor, with the name it was prepared under. */
export type ArgumentFormat = 'number' | 'hex' | 'mode' | 'fd' | 'data' | NamedValues;

const bits = (names: Readonly<Record<string, number>>): NamedValues => ({ names });
const oneOf = (names: Readonly<Record<string, number>>): NamedValues => ({
  names,
  exclusive: true,
});

const dup3Flags = bits({ O_CLOEXEC: flags.openFlags.O_CLOEXEC });
const unlinkFlags = bits({ AT_REMOVEDIR: flags.AT_REMOVEDIR });
const accessModes = bits({ R_OK: 4, W_OK: 2, X_OK: 1 });
const whence = oneOf({ SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2 });
const resource = oneOf(rlimitNumbers);

/** Arguments beyond the list, and calls that are absent, are plain numbers or data. */
export const signatures: Readonly<Partial<Record<SyscallName, readonly ArgumentFormat[]>>> = {
  read: ['fd', 'data', 'number'],
  write: ['fd', 'data', 'number'],
  close: ['fd'],
  lseek: ['fd', 'number', whence],
  openat: ['fd', 'data', bits(flags.openFlags), 'mode'],
  openat2: ['fd', 'data', 'data', 'number'],
  open_tree: ['fd', 'data', bits(flags.openTreeFlags)],
  move_mount: ['fd', 'data', 'fd', 'data', bits(flags.moveMountFlags)],
  mount_setattr: ['fd', 'data', bits(flags.atFlags), 'data', 'number'],
  fsopen: ['data', bits({ FSOPEN_CLOEXEC: flags.FSOPEN_CLOEXEC })],
  fsconfig: ['fd', oneOf(flags.fsconfigCommands), 'data', 'data', 'number'],
  fsmount: ['fd', bits({ FSMOUNT_CLOEXEC: flags.FSMOUNT_CLOEXEC }), bits(flags.mountAttributes)],
  mount: ['data', 'data', 'data', bits(flags.mountFlags), 'data'],
  umount2: ['data', bits(flags.umountFlags)],
  fchdir: ['fd'],
  mkdirat: ['fd', 'data', 'mode'],
  mknodat: ['fd', 'data', 'mode', 'hex'],
  symlinkat: ['data', 'fd', 'data'],
  linkat: ['fd', 'data', 'fd', 'data', bits(flags.atFlags)],
  unlinkat: ['fd', 'data', unlinkFlags],
  fchown: ['fd', 'number', 'number'],
  fchownat: ['fd', 'data', 'number', 'number', bits(flags.atFlags)],
  fchmod: ['fd', 'mode'],
  fchmodat: ['fd', 'data', 'mode'],
  statx: ['fd', 'data', bits(flags.atFlags), 'hex', 'data'],
  fstatfs: ['fd', 'data'],
  readlinkat: ['fd', 'data', 'data', 'number'],
  faccessat: ['fd', 'data', accessModes],
  faccessat2: ['fd', 'data', accessModes, bits(flags.atFlags)],
  ftruncate: ['fd', 'number'],
  dup: ['fd'],
  dup3: ['fd', 'fd', dup3Flags],
  fcntl: ['fd', oneOf(flags.fcntlCommands), 'number'],
  ioctl: ['fd', oneOf(flags.ioctlRequests)],
  pipe2: ['data', bits(flags.openFlags)],
  close_range: ['number', 'number', bits(flags.closeRangeFlags)],
  clone: [bits(flags.cloneFlags)],
  unshare: [bits(flags.cloneFlags)],
  setns: ['fd', bits(flags.cloneFlags)],
  execveat: ['fd', 'data', 'data', 'data', bits(flags.atFlags)],
  wait4: ['number', 'data', bits(flags.waitFlags)],
  waitid: [oneOf(flags.waitidTypes), 'number', 'data', bits(flags.waitFlags)],
  pidfd_send_signal: ['fd'],
  pidfd_getfd: ['fd', 'number'],
  prctl: [oneOf(flags.prctlOptions)],
  umask: ['mode'],
  seccomp: [oneOf(flags.seccompOperations), bits(flags.seccompFilterFlags)],
  prlimit64: ['number', resource, 'data', 'data'],
  rt_sigprocmask: [oneOf(flags.sigprocmaskHow), 'data', 'data', 'number'],
  sendmsg: ['fd', 'data'],
  recvmsg: ['fd', 'data'],
};

/** Fields of structures that are more than plain numbers. */
export const structFormats: Readonly<Record<string, Readonly<Record<string, ArgumentFormat>>>> = {
  open_how: { flags: bits(flags.openFlags), mode: 'mode', resolve: bits(flags.resolveFlags) },
  clone_args: { flags: bits(flags.cloneFlags) },
  mount_attr: {
    attr_set: bits(flags.mountAttributes),
    attr_clr: bits(flags.mountAttributes),
    propagation: bits(flags.mountFlags),
  },
  pollfd: { fd: 'fd' },
};
