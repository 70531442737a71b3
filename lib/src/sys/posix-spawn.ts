/**
 * posix_spawn(3), pipe2(2) and waitpid(2): a child process in one synchronous call, without node:child_process
 * and its event loop. For processes that live for a few milliseconds; whoever spawns here also waits here.
 */
import { openFlags } from './flags.ts';
import { loadKoffi } from './koffi.ts';
import { check, libcFunction, SyscallError } from './libc.ts';

/** Sizes of glibc's opaque structures on 64-bit machines, rounded up. */
const fileActionsSize = 80;
const attributesSize = 336;
const sigsetSize = 128;

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;

const libc = {
  pipe2: libcFunction('int pipe2(void *fds, int flags)'),
  waitpid: libcFunction('int waitpid(int pid, void *status, int options)'),
  fileActionsInit: libcFunction('int posix_spawn_file_actions_init(void *actions)'),
  fileActionsAddDup2: libcFunction('int posix_spawn_file_actions_adddup2(void *, int fd, int to)'),
  fileActionsDestroy: libcFunction('int posix_spawn_file_actions_destroy(void *actions)'),
  attributesInit: libcFunction('int posix_spawnattr_init(void *attributes)'),
  setFlags: libcFunction('int posix_spawnattr_setflags(void *attributes, short flags)'),
  setSignalMask: libcFunction('int posix_spawnattr_setsigmask(void *attributes, void *set)'),
  setDefaultSignals: libcFunction('int posix_spawnattr_setsigdefault(void *attributes, void *set)'),
  sigfillset: libcFunction('int sigfillset(void *set)'),
};

type PosixSpawn = (
  pid: [number],
  path: string,
  actions: Buffer,
  attributes: Buffer,
  argv: (string | null)[],
  environment: (string | null)[],
) => number;
let posixSpawnCall: PosixSpawn | undefined;

export interface PosixSpawnOptions {
  path: string;
  argv: readonly string[];
  /** `NAME=value`; empty without it. */
  environment?: readonly string[];
  /** [descriptor here, number there]. A number there must not be a descriptor here that comes later. */
  descriptors: readonly (readonly [from: number, to: number])[];
}

/**
 * Starts a process with default signal dispositions and an empty signal mask and returns its pid once it has
 * executed `path`. Throws {@link SyscallError} if it could not.
 */
export function posixSpawn({
  path,
  argv,
  environment = [],
  descriptors,
}: PosixSpawnOptions): number {
  posixSpawnCall ??= loadKoffi()
    .load('libc.so.6')
    .func(
      'int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **envp)',
    ) as PosixSpawn;
  const actions = Buffer.alloc(fileActionsSize);
  libc.fileActionsInit(actions);
  try {
    for (const [from, to] of descriptors) libc.fileActionsAddDup2(actions, from, to);
    const pid: [number] = [0];
    const environ = [...environment, null];
    // posix_spawn returns its errno instead of setting it
    const errno = posixSpawnCall(pid, path, actions, defaultSignals(), [...argv, null], environ);
    if (errno !== 0) throw new SyscallError('posix_spawn', errno, path);
    return pid[0];
  } finally {
    libc.fileActionsDestroy(actions);
  }
}

let signalAttributes: Buffer | undefined;

function defaultSignals(): Buffer {
  if (!signalAttributes) {
    const attributes = Buffer.alloc(attributesSize);
    const set = Buffer.alloc(sigsetSize);
    libc.attributesInit(attributes);
    libc.setSignalMask(attributes, set);
    libc.sigfillset(set);
    libc.setDefaultSignals(attributes, set);
    libc.setFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    signalAttributes = attributes;
  }
  return signalAttributes;
}

/** A pipe with close-on-exec on both ends. */
export function pipe(): { readEnd: number; writeEnd: number } {
  const fds = Buffer.alloc(8);
  check(libc.pipe2(fds, openFlags.O_CLOEXEC), 'pipe2');
  return { readEnd: fds.readInt32LE(0), writeEnd: fds.readInt32LE(4) };
}

/** How a child ended: its exit status, or the signal that killed it. */
export interface WaitStatus {
  exitCode: number | undefined;
  signal: number | undefined;
}

/** Waits until the child `pid` has ended. Blocks the thread. */
export function waitPid(pid: number): WaitStatus {
  const status = Buffer.alloc(4);
  check(libc.waitpid(pid, status, 0), 'waitpid', pid.toString());
  const word = status.readInt32LE();
  const signal = word & 0x7f;
  return signal === 0
    ? { exitCode: (word >> 8) & 0xff, signal: undefined }
    : { exitCode: undefined, signal };
}
