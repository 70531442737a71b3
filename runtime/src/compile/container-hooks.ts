/**
 * Hooks that run inside the container: createContainer before pivot_root, where paths are still the host's, and
 * startContainer right before the user's process. Each finds the container's state on its stdin, a memfd that the
 * runtime has written; what it prints goes to another one. After a startContainer hook that failed `start` finds on
 * the exec fifo, behind what it waits for: a record if the hook could not be executed, what the hooks have printed,
 * and a record with how the hook ended.
 */
import { u16, u32, u64, type Data } from '#lib/loader/data';
import { lastDescriptor, resultDescriptor, type Register } from '#lib/loader/program';
import type { Hook, Hooks } from '#spec/oci/hooks';
import type { CompileContext } from './context.ts';
import {
  CLONE_PIDFD,
  CLOSE_RANGE_CLOEXEC,
  POLLIN,
  SEEK_SET,
  SIGCHLD,
  SIGKILL,
} from './kernel-constants.ts';

export type ContainerHookKind = 'createContainer' | 'startContainer';
export const containerHookKinds = ['createContainer', 'startContainer'] as const;

/** Name of the prepared descriptor that takes what hooks print. */
export const hookOutput = 'output of hooks';

/** More of what hooks printed is not repeated in an error. Bytes. */
export const hookOutputLimit = 4096;

/** Name of the prepared descriptor with the state for one hook. */
export function hookInput(kind: ContainerHookKind, index: number): string {
  return `state for ${kind} hook #${index}`;
}

/** Stage of the operations that run one hook. */
export function hookStage(kind: ContainerHookKind, index: number): string {
  return `run ${kind} hook #${index}`;
}

export interface ContainerHookOptions {
  /** Descriptor whose other end is the runtime's: should that go, the hook is killed. */
  readonly lifeline?: number;
  /** Whether failures go to the exec fifo, whose reader has not seen what the hooks printed. */
  readonly reportsToFifo?: boolean;
}

/** Runs the hooks of one kind in their order. The first that fails ends the program. */
export function runContainerHooks(
  context: CompileContext,
  hooks: Hooks | undefined,
  kind: ContainerHookKind,
  options: ContainerHookOptions = {},
): void {
  hooks?.[kind]?.forEach((hook, index) => {
    context.program.stage(hookStage(kind, index)).from(`hooks.${kind}[${index}]`);
    runHook(context, hook, {
      ...options,
      index,
      input: context.program.descriptor(hookInput(kind, index)),
      output: context.program.descriptor(hookOutput),
    });
  });
}

interface HookRun extends ContainerHookOptions {
  readonly index: number;
  readonly input: number;
  readonly output: number;
}

function runHook(context: CompileContext, hook: Hook, run: HookRun): void {
  const { program } = context;
  const child = program.label();
  const done = program.label();
  const pidfd = program.struct('int', { pidfd: u32(0) });
  context.borrow((pid) => {
    program.syscall('clone', [CLONE_PIDFD | SIGCHLD, 0, pidfd, 0, 0], { result: pid });
    program.branchEqual(pid, 0, child);
    superviseHook(context, hook, { ...run, pid, pidfd });
    program.jump(done);
  });
  program.place(child);
  program.syscall('dup3', [run.input, 0, 0]);
  for (const stream of [1, 2]) program.syscall('dup3', [run.output, stream, 0]);
  program.syscall('close_range', [3, lastDescriptor, CLOSE_RANGE_CLOEXEC]);
  const { path, args = [path], env = [] } = hook;
  const strings = (texts: readonly string[]) =>
    program.pointers([...texts.map((text) => program.string(text)), null]);
  program.syscall('execve', [program.string(path), strings(args), strings(env)]);
  program.place(done);
}

interface RunningHook extends HookRun {
  readonly pid: Register;
  readonly pidfd: Data;
}

/** Waits for a hook, no longer than its time-out and the life of the runtime. */
function superviseHook(context: CompileContext, hook: Hook, run: RunningHook): void {
  const { program } = context;
  const { pid, index } = run;
  // The wait status in the lower half; the upper says which hook it was.
  const report = program.struct('hook_report', { status: u32(0), index: u32(index) });
  const reap = program.label();
  const succeeded = program.label();
  if (hook.timeout !== undefined || run.lifeline !== undefined) {
    pollHook(context, hook, { ...run, report, reap });
  }
  program.place(reap).syscall('wait4', [pid, report.field('status'), 0, 0]);
  context.borrow((value) => {
    program.load(value, report, 0, 32).branchEqual(value, 0, succeeded);
    program.load(value, report, 0, 64);
    failWith(context, run, value);
    program.place(succeeded).load(value, run.pidfd, 0, 32);
    context.close(value);
  });
}

interface PolledHook extends RunningHook {
  readonly report: Data;
  readonly reap: ReturnType<CompileContext['program']['label']>;
}

function pollHook(context: CompileContext, { timeout }: Hook, run: PolledHook): void {
  const { program } = context;
  const { lifeline } = run;
  const polled = program.struct('pollfd[2]', {
    fd: u32(0),
    events: u16(POLLIN),
    revents: u16(0),
    lifeline: u32(lifeline ?? 0),
    lifelineEvents: u16(0), // POLLHUP comes unasked
    lifelineRevents: u16(0),
  });
  const limit =
    timeout === undefined
      ? 0
      : program.struct('timespec', { tv_sec: u64(timeout), tv_nsec: u64(0) });
  const timedOut = program.label();
  const orphaned = program.label();
  context.borrow((value) => {
    program.load(value, run.pidfd, 0, 32).store(value, polled.field('fd'), 0, 32);
    program.syscall('ppoll', [polled, lifeline === undefined ? 1 : 2, limit, 0, 8], {
      result: value,
    });
    program.branchEqual(value, 0, timedOut);
    program.load(value, polled, 4, 32).branchMasked(value, 0xffff_0000, 0, orphaned);
    program.jump(run.reap);
    program.place(orphaned);
    killHook(context, run);
    program.fail('EPIPE');
    program.place(timedOut);
    killHook(context, run);
    program.set(value, timedOutStatus).store(value, run.report, 0, 32);
    program.load(value, run.report, 0, 64);
    failWith(context, run, value);
  });
}

function killHook(context: CompileContext, { pid, pidfd, report }: PolledHook): void {
  const { program } = context;
  context.borrow((fd) => {
    program.load(fd, pidfd, 0, 32);
    program.syscall('pidfd_send_signal', [fd, SIGKILL, 0, 0], { demand: 'any' });
  });
  program.syscall('wait4', [pid, report.field('status'), 0, 0]);
}

/** No wait status: the hook was killed at the end of its time. */
const timedOutStatus = 0x8000_0000;

/** Ends the program with `value` as the result of the failed operation: lseek answers with the offset it is given. */
function failWith(
  context: CompileContext,
  { output, reportsToFifo }: HookRun,
  value: Register,
): void {
  if (reportsToFifo) sendOutput(context, output);
  context.program.syscall('lseek', [output, value, SEEK_SET], { demand: never });
}

function sendOutput(context: CompileContext, output: number): void {
  const { program } = context;
  const text = program.reserve(hookOutputLimit);
  program.syscall('lseek', [output, 0, SEEK_SET]);
  context.borrow((length) => {
    program.syscall('read', [output, text, hookOutputLimit], { result: length });
    program.syscall('write', [resultDescriptor, text, length], { demand: 'any' });
  });
}

const never = -1;

/** What {@link runContainerHooks} reports of a hook that failed. */
export interface HookFailure {
  readonly index: number;
  /** `exit status 3`, `signal: 9`, `timed out` */
  readonly reason: string;
}

/** Reads the result of a failed operation of {@link hookStage}; undefined for an errno. */
export function parseHookFailure(result: number): HookFailure | undefined {
  if (result < 0) return undefined;
  const status = result % 2 ** 32;
  const index = Math.floor(result / 2 ** 32);
  if (status === timedOutStatus) return { index, reason: 'timed out' };
  const signal = status & 0x7f;
  return {
    index,
    reason: signal === 0 ? `exit status ${(status >> 8) & 0xff}` : `signal: ${signal}`,
  };
}
