/** From `process.args` to execve: the search in PATH as the container's user, and the last steps before the end. */
import { lastDescriptor, type Register } from '#lib/loader/program';
import type { Process } from '#spec/oci/process';
import type { CompileContext } from './context.ts';
import type { Handshake } from './handshake.ts';
import { becomeAdministrator, resignAdministrator, type CapabilityFacts } from './identity.ts';
import type { SeccompProgram } from './input.ts';
import {
  AT_EACCESS,
  AT_FDCWD,
  CLOSE_RANGE_CLOEXEC,
  O_CLOEXEC,
  O_WRONLY,
  SECCOMP_SET_MODE_FILTER,
  S_IFDIR,
  S_IFMT,
  STATX_BASIC_STATS,
  statxOffset,
  X_OK,
} from './kernel-constants.ts';
import { pointer, u16 } from '#lib/loader/data';

/** Stages whose failures clients recognise by their words (host/failure-message.ts). */
export const executableStages = {
  /** No directory of PATH has it. */
  notInPath: 'find the executable in PATH',
  /** A path is given, and what lies there cannot be executed. */
  atPath: 'find the executable',
  execute: 'execute',
} as const;

/** Finds `args[0]` and leaves the address of its path in `result`: a failure here is one of create, not of start. */
export function findExecutable(context: CompileContext, process: Process, result: Register): void {
  const [name = ''] = process.args;
  if (name.includes('/')) checkPath(context, name, result);
  else searchPath(context, name, process.env ?? [], result);
}

function checkPath(context: CompileContext, name: string, result: Register): void {
  const { program } = context;
  const path = program.string(name);
  program.stage(executableStages.atPath).from('process.args[0]');
  program.lea(result, path);
  program.syscall('faccessat2', [AT_FDCWD, path, X_OK, AT_EACCESS]);
  const file = program.label();
  const directory = program.label();
  branchOnDirectory(context, result, directory);
  program.jump(file).place(directory);
  // A directory passes the test for X_OK; opening it for writing gives EISDIR.
  program.syscall('openat', [AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0]);
  program.place(file);
}

function searchPath(
  context: CompileContext,
  name: string,
  env: readonly string[],
  result: Register,
): void {
  const { program } = context;
  const found = program.label();
  program.stage(executableStages.notInPath).from('process.args[0]');
  for (const directory of pathDirectories(env)) {
    const path = program.string(`${directory}/${name}`);
    const next = program.label();
    const accessible = program.label();
    program.lea(result, path);
    context.borrow((access) => {
      program.syscall('faccessat2', [AT_FDCWD, path, X_OK, AT_EACCESS], {
        result: access,
        demand: 'any',
      });
      program.branchEqual(access, 0, accessible).jump(next);
    });
    program.place(accessible);
    branchOnDirectory(context, result, next);
    program.jump(found).place(next);
  }
  program.fail('ENOENT');
  program.place(found);
}

/** PATH of the container's environment; an empty element is the working directory. */
function pathDirectories(env: readonly string[]): string[] {
  const variable = env.findLast((entry) => entry.startsWith('PATH='));
  if (variable === undefined) return [];
  const directories = variable.slice('PATH='.length).split(':');
  return [...new Set(directories.map((directory) => directory || '.'))];
}

function branchOnDirectory(
  context: CompileContext,
  path: Register,
  target: ReturnType<CompileContext['program']['label']>,
): void {
  const { program } = context;
  const status = context.scratch();
  program.syscall('statx', [AT_FDCWD, path, 0, STATX_BASIC_STATS, status]);
  context.borrow((mode) => {
    program.load(mode, status, statxOffset.mode, 32).branchMasked(mode, S_IFMT, S_IFDIR, target);
  });
}

/** Nothing but the standard streams and what is preserved survives execve, whoever opened it (CVE-2024-21626). */
export function closeOnExecute(context: CompileContext): void {
  const { program } = context;
  program.stage('close everything else on execve');
  program.syscall('close_range', [program.firstOwnDescriptor, lastDescriptor, CLOSE_RANGE_CLOEXEC]);
}

/** A filter without no_new_privs needs CAP_SYS_ADMIN, which the user of the container need not have. */
export function seccompNeedsAdministrator(
  { noNewPrivileges }: Process,
  seccomp: SeccompProgram | undefined,
): boolean {
  return seccomp !== undefined && !noNewPrivileges;
}

export interface SeccompLoading {
  readonly process: Process;
  readonly facts: CapabilityFacts;
  readonly seccomp: SeccompProgram | undefined;
  readonly handshake: Handshake;
}

/**
 * Loads a filter with a listener: while the runtime is still there, because the listener is handed over. What follows
 * must be allowed by it.
 */
export function loadNotifyingSeccomp(
  context: CompileContext,
  { process, facts, seccomp, handshake }: SeccompLoading,
): void {
  if (!seccomp?.notify) return;
  const { program } = context;
  const administrator = seccompNeedsAdministrator(process, seccomp);
  if (administrator) becomeAdministrator(context, process, facts);
  context.borrow((listener) => {
    setFilter(context, seccomp, listener);
    program.stage('hand over the seccomp listener').from('linux.seccomp.listenerPath');
    handshake.exchangeValue('seccomp', listener);
    context.close(listener);
  });
  if (administrator) resignAdministrator(context, process, facts);
}

/** Loads any other filter: as the last before execve, so that it need not allow what the runtime does. */
export function loadSeccomp(
  context: CompileContext,
  { process, facts, seccomp }: Omit<SeccompLoading, 'handshake'>,
): void {
  if (!seccomp || seccomp.notify) return;
  // execve computes the capabilities of the user's process without regard to this one.
  if (seccompNeedsAdministrator(process, seccomp)) becomeAdministrator(context, process, facts);
  setFilter(context, seccomp);
}

function setFilter(
  { program }: CompileContext,
  { filter, flags }: SeccompProgram,
  result?: Register,
): void {
  program.stage('load the seccomp filter').from('linux.seccomp');
  const description = program.struct('sock_fprog', {
    len: u16(filter.length / 8),
    filter: pointer(program.bytes(filter)),
  });
  program.syscall('seccomp', [SECCOMP_SET_MODE_FILTER, flags, description], {
    ...(result && { result }),
  });
}

/** The end of every program: becomes the user's process. */
export function execute(
  context: CompileContext,
  process: Process,
  home: string,
  path: Register,
): void {
  const { program } = context;
  const env = [...(process.env ?? [])];
  if (!env.some((entry) => entry.startsWith('HOME='))) env.push(`HOME=${home}`);
  const strings = (texts: readonly string[]) =>
    program.pointers([...texts.map((text) => program.string(text)), null]);
  program.stage(executableStages.execute).from('process.args');
  program.syscall('execve', [path, strings(process.args), strings(env)]);
}
