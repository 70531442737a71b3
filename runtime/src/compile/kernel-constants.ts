/** The kernel's constants that compiled programs use, each under its own name (`#lib/sys/flags` keeps them in sets). */
import {
  atFlags,
  closeRangeFlags,
  cloneFlags,
  fileTypes,
  fsconfigCommands,
  ioctlRequests,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  prctlOptions,
  resolveFlags,
  seccompOperations,
  umountFlags,
} from '#lib/sys/flags';

export {
  AT_FDCWD,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR__ATIME,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
} from '#lib/sys/flags';

export const { AT_SYMLINK_NOFOLLOW, AT_EACCESS, AT_EMPTY_PATH, AT_RECURSIVE } = atFlags;
export const { CLOSE_RANGE_CLOEXEC } = closeRangeFlags;
export const {
  CLONE_INTO_CGROUP,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PIDFD,
} = cloneFlags;
export const { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG } = fileTypes;
export const S_IFMT = 0o170000;
export const { FSCONFIG_CMD_CREATE, FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING } = fsconfigCommands;
export const { SIOCSIFFLAGS, TIOCGPTPEER, TIOCSCTTY, TIOCSPTLCK, TIOCSWINSZ } = ioctlRequests;
export const {
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
} = mountAttributes;
export const { MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } = mountFlags;
export const { MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH } = moveMountFlags;
export const { O_CLOEXEC, O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_PATH, O_RDONLY, O_RDWR, O_WRONLY } =
  openFlags;
export const { OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } = openTreeFlags;
export const {
  PR_CAP_AMBIENT,
  PR_CAPBSET_DROP,
  PR_SET_DUMPABLE,
  PR_SET_KEEPCAPS,
  PR_SET_NO_NEW_PRIVS,
} = prctlOptions;
export const {
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} = resolveFlags;
export const { SECCOMP_SET_MODE_FILTER } = seccompOperations;
export const { MNT_DETACH } = umountFlags;

export const X_OK = 1;
export const STATX_BASIC_STATS = 0x7ff;
/** struct statx: where `stx_mode` (16 bits, zeros above) and the numbers of a device node lie. */
export const statxOffset = { mode: 28, rdevMajor: 128, rdevMinor: 132 } as const;

export const SIGKILL = 9;
export const SIGCHLD = 17;
export const SEEK_SET = 0;
export const POLLIN = 1;
export const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
export const CAP_SYS_ADMIN = 21;
export const KEYCTL_JOIN_SESSION_KEYRING = 1;
export const IOPRIO_WHO_PROCESS = 1;

export const AF_UNIX = 1;
export const AF_INET = 2;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
export const MSG_NOSIGNAL = 0x4000;
export const IFF_UP = 0x1;
