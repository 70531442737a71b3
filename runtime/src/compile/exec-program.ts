/** Compiles the program behind `exec`: a further process in the namespaces and cgroups of a container. */
import type { Program } from '#lib/loader/program';
import { prologue } from '#lib/loader/sequences';
import type { LinuxConfig } from '#spec/oci/linux';
import type { Process } from '#spec/oci/process';
import { CompileContext, type DescriptorSlot } from './context.ts';
import {
  closeOnExecute,
  execute,
  findExecutable,
  loadNotifyingSeccomp,
  loadSeccomp,
  seccompNeedsAdministrator,
} from './executable.ts';
import { Handshake } from './handshake.ts';
import {
  becomeUser,
  checkDirectory,
  enterDirectory,
  makeDirectory,
  setLimits,
} from './identity.ts';
import type {
  CgroupPlacement,
  ConsoleTarget,
  HostFacts,
  OpenFileLimit,
  SeccompProgram,
} from './input.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from './kernel-constants.ts';
import { checkLabels, setLabels } from './labels.ts';
import { joinNamespaces, openNamespaces, type JoinedNamespace } from './namespaces.ts';
import { setCpuAffinity, setMemoryPolicy } from './processor-and-memory.ts';
import {
  joinSessionKeyring,
  setNoNewPrivileges,
  setPersonality,
  setPriorities,
} from './settings.ts';
import { openCgroup, spawnProcess } from './spawn-process.ts';
import { connectConsole, makeTerminal } from './terminal.ts';

export interface ExecInput {
  readonly id: string;
  readonly process: Process;
  /** Those of the container's first process that are not the caller's own. */
  readonly namespaces: readonly JoinedNamespace[];
  /** /proc/PID/root of a container whose mount namespace is the caller's: its root is no namespace's. */
  readonly root?: string;
  /** Those of the container: the kernel gives them to children, and this process is none of it. */
  readonly linux?: Pick<LinuxConfig, 'personality' | 'memoryPolicy'> | undefined;
  readonly cgroup: Pick<CgroupPlacement, 'joinFiles' | 'directory'>;
  readonly facts: Pick<HostFacts, 'capabilities' | 'lastCapability' | 'securityModules'>;
  readonly console?: ConsoleTarget;
  readonly preservedDescriptors: number;
  readonly openFiles?: OpenFileLimit;
  readonly home: string;
  readonly noNewKeyring: boolean;
  readonly seccomp?: SeccompProgram;
}

export function compileExec(input: ExecInput): Program {
  const { process } = input;
  checkLabels(process, input.facts);
  const affinity = process.execCPUAffinity;
  const context = new CompileContext(input.preservedDescriptors);
  const { program } = context;
  const handshake = new Handshake(context);
  prologue(program, { name: 'runtime', ...(input.openFiles && { openFiles: input.openFiles }) });
  setCpuAffinity(context, affinity?.initial, 'process.execCPUAffinity.initial');
  program.stage('open /proc of the host');
  const proc = context.openHost('/proc', O_PATH | O_DIRECTORY);
  const console = input.console && connectConsole(context, input.console);
  const joined = openNamespaces(context, input.namespaces);
  const cgroup = openCgroup(context, input.cgroup, {
    inUserNamespace: input.namespaces.some(({ type }) => type === 'user'),
  });
  const ownRoot = input.root === undefined ? undefined : openOwnRoot(context, input.root);
  joinNamespaces(context, joined);
  spawnProcess(context, handshake, { ...cgroup, flags: 0 });
  setCpuAffinity(context, affinity?.final, 'process.execCPUAffinity.final');
  program.stage('start a session').syscall('setsid', []);
  if (!input.noNewKeyring) joinSessionKeyring(context, input.id);
  const root = program.register();
  if (ownRoot) enterOwnRoot(context, ownRoot);
  program.stage('open the root directory');
  program.syscall('openat', [AT_FDCWD, program.string('/'), O_PATH | O_DIRECTORY | O_CLOEXEC, 0], {
    result: root,
  });
  if (console) makeTerminal(context, { process, console, root, mountConsole: false });
  setLabels(context, proc, process, input.facts);
  setNoNewPrivileges(context, process);
  setPriorities(context, process);
  setPersonality(context, input.linux?.personality);
  setMemoryPolicy(context, input.linux?.memoryPolicy);
  setLimits(context, process);
  makeDirectory(context, root, process);
  enterDirectory(context, process);
  const loading = { process, facts: input.facts, seccomp: input.seccomp, handshake };
  becomeUser(context, process, input.facts, {
    reserve: seccompNeedsAdministrator(process, input.seccomp),
  });
  checkDirectory(context, process);
  program.stage('set the umask').from('process.user.umask');
  program.syscall('umask', [process.user.umask ?? 0o022]);
  const path = program.register();
  findExecutable(context, process, path);
  loadNotifyingSeccomp(context, loading);
  handshake.exchange('ready', 'wait until the process is on record');
  closeOnExecute(context);
  loadSeccomp(context, loading);
  execute(context, process, input.home, path);
  return program.build();
}

function openOwnRoot(context: CompileContext, path: string): DescriptorSlot {
  context.program.stage('open the root of the container');
  return context.openHost(path, O_PATH | O_DIRECTORY);
}

function enterOwnRoot(context: CompileContext, slot: DescriptorSlot): void {
  const { program } = context;
  program.stage('enter the root of the container');
  context.withKept(slot, (root) => {
    program.syscall('fchdir', [root]);
    program.syscall('chroot', [program.string('.')]);
    context.close(root);
  });
}
