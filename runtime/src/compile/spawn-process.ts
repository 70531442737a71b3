/**
 * From the loader to the container's process: the clone, and what stays behind. The loader waits for the process and
 * tells the runtime how it ended; a runtime that does not care (create, exec --detach) kills the loader before it lets
 * the process go, and the process belongs to the nearest subreaper: the shim.
 */
import { u32, u64 } from '#lib/loader/data';
import { resultDescriptor } from '#lib/loader/program';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { Handshake } from './handshake.ts';
import type { CgroupPlacement } from './input.ts';
import { CLONE_INTO_CGROUP, O_DIRECTORY, O_PATH, O_WRONLY, SIGCHLD } from './kernel-constants.ts';

export interface SpawnOptions extends OpenedCgroup {
  /** CLONE_NEW… */
  readonly flags: number;
}

export interface OpenedCgroup {
  /** Directory on cgroup v2 to be born in. */
  readonly cgroup: DescriptorSlot | undefined;
  /** Files to write "0" to afterwards. */
  readonly joinFiles: readonly DescriptorSlot[];
  /** Like joinFiles, for a kernel or an outer seccomp profile without clone3. */
  readonly cgroupFallback: DescriptorSlot | undefined;
}

/**
 * Opens the cgroup while the program still has its caller's rights. clone3 asks what the loader may do at that moment,
 * and in a user namespace it may no longer enter a group of the host's root; a cgroup.procs that was opened before
 * goes by who opened it.
 */
export function openCgroup(
  context: CompileContext,
  { joinFiles, directory }: Pick<CgroupPlacement, 'joinFiles' | 'directory'>,
  { inUserNamespace }: { inUserNamespace: boolean },
): OpenedCgroup {
  context.program.stage('open the cgroup').from('linux.cgroupsPath');
  const open = (file: string) => context.openHost(file, O_WRONLY);
  const opened = joinFiles.map(open);
  if (directory === undefined) {
    return { cgroup: undefined, joinFiles: opened, cgroupFallback: undefined };
  }
  const procs = `${directory}/cgroup.procs`;
  if (inUserNamespace) {
    return { cgroup: undefined, joinFiles: [...opened, open(procs)], cgroupFallback: undefined };
  }
  return {
    cgroup: context.openHost(directory, O_PATH | O_DIRECTORY),
    joinFiles: opened,
    cgroupFallback: open(procs),
  };
}

/** Clones; what is added to the program afterwards runs in the new process alone. */
export function spawnProcess(
  context: CompileContext,
  handshake: Handshake,
  { flags, cgroup, joinFiles, cgroupFallback }: SpawnOptions,
): void {
  const { program } = context;
  const child = program.label();
  const parent = program.label();
  const oldClone = program.label();
  program.stage('clone the process').from('linux.namespaces');
  const zero = u64(0);
  const args = program.struct('clone_args', {
    flags: u64(BigInt(flags) | BigInt(cgroup ? CLONE_INTO_CGROUP : 0)),
    pidfd: zero,
    child_tid: zero,
    parent_tid: zero,
    exit_signal: u64(SIGCHLD),
    stack: zero,
    stack_size: zero,
    tls: zero,
    set_tid: zero,
    set_tid_size: zero,
    cgroup: zero,
  });
  if (cgroup) context.withKept(cgroup, (fd) => program.store(fd, args.field('cgroup'), 0, 64));
  context.borrow((pid) => {
    program.syscall('clone3', [args, 88], {
      result: pid,
      onErrno: [{ errno: 'ENOSYS', goto: oldClone }],
    });
    program.branchEqual(pid, 0, child).jump(parent);
    program.place(oldClone);
    program.syscall('clone', [flags | SIGCHLD, 0, 0, 0, 0], { result: pid });
    const oldChild = program.label();
    program.branchEqual(pid, 0, oldChild).jump(parent);
    program.place(oldChild);
    if (cgroupFallback) joinCgroup(context, cgroupFallback);
    program.jump(child);
    program.place(parent);
    superviseProcess(context, handshake, pid);
  });
  program.place(child);
  for (const file of joinFiles) joinCgroup(context, file);
}

/** "0" stands for the process (cgroup.procs) or the thread (tasks) that writes; here they are the same. */
function joinCgroup(context: CompileContext, file: DescriptorSlot): void {
  const { program } = context;
  program.stage('join the cgroup').from('linux.cgroupsPath');
  context.withKept(file, (fd) => {
    program.syscall('write', [fd, program.string('0'), 1], { demand: 1 });
    context.close(fd);
  });
}

/** The loader's own end: announces the process, waits for it, reports its wait status. */
function superviseProcess(
  context: CompileContext,
  handshake: Handshake,
  pid: Parameters<CompileContext['close']>[0],
): void {
  const { program } = context;
  program.stage('wait for the process');
  const started = handshake.message('process');
  program.store(pid, started.field('value'), 0, 32);
  // From here on failures are the process's own to report; the end of the stream means that there was none.
  program.syscall('close', [resultDescriptor]);
  handshake.say(started);
  const status = program.struct('int', { status: u32(0) });
  program.syscall('wait4', [pid, status, 0, 0]);
  const ended = handshake.message('exited');
  program.load(pid, status, 0, 32).store(pid, ended.field('value'), 0, 32);
  handshake.say(ended);
  program.syscall('exit_group', [0]);
}
