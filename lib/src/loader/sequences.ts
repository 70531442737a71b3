/** Sequences of operations that every program needs: its beginning, and a child's wait status. */
import { childCodes, closeRangeFlags, prctlOptions, waitFlags, waitidTypes } from '#lib/sys/flags';
import { rlimitNumbers } from '#spec/rlimits';
import { u64 } from './data.ts';
import { lastDescriptor, type Operand, type ProgramBuilder } from './program.ts';

export interface PrologueOptions {
  /** Name of the process in /proc/PID/comm, at most 15 bytes. */
  name: string;
  /** Soft and hard limit of open files to restore: Node raises the soft one. */
  openFiles?: { soft: bigint; hard: bigint };
  /** Stays readable for its parent's writes to /proc/PID/uid_map; whoever asks for it calls {@link hide} later. */
  dumpable?: boolean;
}

/**
 * First operations of every program: no descriptor but those declared, none of ours survives an execve, nothing
 * of the process can be read from outside, and no mode is changed by an umask. (Signals are reset by the loader.)
 */
export function prologue(builder: ProgramBuilder, options: PrologueOptions): void {
  const { name, openFiles, dumpable = false } = options;
  builder.stage('prepare the process').closeUndeclared();
  builder.syscall('close_range', [
    builder.firstOwnDescriptor,
    lastDescriptor,
    closeRangeFlags.CLOSE_RANGE_CLOEXEC,
  ]);
  if (!dumpable) hide(builder);
  builder.syscall('prctl', [prctlOptions.PR_SET_NAME, builder.string(name), 0, 0, 0]);
  builder.syscall('umask', [0]);
  if (openFiles) {
    const limit = builder.struct('rlimit64', {
      rlim_cur: u64(openFiles.soft),
      rlim_max: u64(openFiles.hard),
    });
    builder.syscall('prlimit64', [0, rlimitNumbers.RLIMIT_NOFILE, limit, 0]);
  }
}

/** Memory, environment and descriptors of the process become unreadable for others (not dumpable). */
export function hide(builder: ProgramBuilder): void {
  builder.syscall('prctl', [prctlOptions.PR_SET_DUMPABLE, 0, 0, 0, 0]);
}

/**
 * Waits for the child `pid` and ends the same way: with its exit status, or by its signal. What cannot be
 * killed by that signal (pid 1 of a pid namespace) exits with 255.
 */
export function endAsChild(builder: ProgramBuilder, pid: Operand): void {
  const info = builder.reserve(128); // siginfo_t
  const siCode = 8;
  const siStatus = 24;
  const code = builder.register();
  const status = builder.register();
  const self = builder.register();
  const exited = builder.label();
  builder.syscall('waitid', [waitidTypes.P_PID, pid, info, waitFlags.WEXITED, 0]);
  builder.load(code, info, siCode, 32);
  builder.load(status, info, siStatus, 32);
  builder.branchEqual(code, childCodes.CLD_EXITED, exited);
  // The child has left the core dump, if any.
  const noCore = builder.struct('rlimit64', { rlim_cur: u64(0), rlim_max: u64(0) });
  builder.syscall('prlimit64', [0, rlimitNumbers.RLIMIT_CORE, noCore, 0]);
  builder.syscall('getpid', [], { result: self });
  builder.syscall('kill', [self, status], { demand: 'any' });
  builder.set(status, 255);
  builder.place(exited);
  builder.syscall('exit_group', [status]);
}
