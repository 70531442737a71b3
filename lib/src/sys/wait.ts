/** waitid(2) and wait4(2): without blocking for a process whose other children belong to libuv, and with what a child has used. */
import { waitFlags, waitidTypes } from './flags.ts';
import { check, libcFunction } from './libc.ts';

const waitidCall = libcFunction('int waitid(int type, unsigned int id, void *info, int options)');
const wait4Call = libcFunction('int wait4(int pid, void *status, int options, void *usage)');

/** struct siginfo_t as waitid fills it. */
const siginfoSize = 128;
const siginfoPid = 16;

/** The pid of a child that has ended and was not waited for yet. It stays a zombie. Undefined without one. */
export function peekExitedChild(): number | undefined {
  const info = Buffer.alloc(siginfoSize);
  const flags = waitFlags.WEXITED | waitFlags.WNOHANG | waitFlags.WNOWAIT;
  const result = waitidCall(waitidTypes.P_ALL, 0, info, flags);
  if (result < 0) return undefined; // ECHILD: no children at all
  const pid = info.readInt32LE(siginfoPid);
  return pid === 0 ? undefined : pid;
}

/** The wait status of the child `pid` if it has ended: its pid is free afterwards. Undefined while it lives. */
export function waitForChild(pid: number): number | undefined {
  const status = Buffer.alloc(4);
  const ended = check(wait4Call(pid, status, waitFlags.WNOHANG, null), 'wait4', pid.toString());
  return ended === 0 ? undefined : status.readInt32LE();
}

/**
 * Waits for a child that has ended; its pid is free afterwards. The result is an exit status as shells have it:
 * 128 and the signal where one killed it.
 */
export function reapChild(pid: number): number {
  const status = Buffer.alloc(4);
  check(wait4Call(pid, status, waitFlags.WNOHANG, null), 'wait4', pid.toString());
  return exitCodeOf(status.readInt32LE());
}

/** struct rusage: 16 words of 8 bytes, of which the first four are two struct timeval. */
const rusageSize = 144;

/** Waits until the child `pid` has ended. Blocks the thread. Processor time is its own and that of those it waited for. */
export function waitForCost(pid: number): { exitCode: number; processorMs: number } {
  const status = Buffer.alloc(4);
  const usage = Buffer.alloc(rusageSize);
  check(wait4Call(pid, status, 0, usage), 'wait4', pid.toString());
  const [userS = 0, userUs = 0, systemS = 0, systemUs = 0] = [0, 8, 16, 24].map((offset) =>
    Number(usage.readBigInt64LE(offset)),
  );
  return {
    exitCode: exitCodeOf(status.readInt32LE()),
    processorMs: (userS + systemS) * 1000 + (userUs + systemUs) / 1000,
  };
}

/** As shells have it: 128 and the signal where one killed the child. */
function exitCodeOf(word: number): number {
  const signal = word & 0x7f;
  return signal === 0 ? (word >> 8) & 0xff : 128 + signal;
}
