/**
 * Compiles config.json to the program that makes a container: from the loader on the host to the user's process.
 * A pure function of its input; the order of the steps is the order that runc established and hooks rely on.
 */
import type { Program, Register } from '#lib/loader/program';
import { prologue } from '#lib/loader/sequences';
import { cloneCgroups } from './cgroup-mount.ts';
import { CompileContext, type DescriptorSlot } from './context.ts';
import { cloneDevices, makeDevices, makeDevReadonly, makeLinks, ownsDev } from './devices.ts';
import { containerHookKinds, runContainerHooks } from './container-hooks.ts';
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
import type { CompileInput } from './input.ts';
import { CLONE_NEWCGROUP, O_CLOEXEC, O_DIRECTORY, O_PATH, O_WRONLY } from './kernel-constants.ts';
import { checkLabels, setLabels } from './labels.ts';
import { planMounts, type PlannedMount } from './mount-plan.ts';
import { cloneBindSources, mountAll } from './mounts.ts';
import {
  checkNamespaces,
  cloneFlags,
  createUserAndTime,
  hasNamespace,
  joinNamespaces,
  openNamespaces,
  planNamespaces,
  type NamespacePlan,
} from './namespaces.ts';
import { setMemoryPolicy } from './processor-and-memory.ts';
import { maskPaths, protectReadonlyPaths } from './protected-paths.ts';
import {
  attachRoot,
  cloneRoot,
  enterRoot,
  isShared,
  makeRootReadonly,
  shareRoot,
} from './rootfs.ts';
import {
  bringLoopbackUp,
  joinSessionKeyring,
  setNames,
  setNoNewPrivileges,
  setPersonality,
  setPriorities,
  setSysctls,
} from './settings.ts';
import { openCgroup, spawnProcess } from './spawn-process.ts';
import { connectConsole, makeTerminal } from './terminal.ts';
import { resultDescriptor } from '#lib/loader/program';

/** Stage of the operations at which a created container stands. */
export const waitForStartStage = 'wait for start';

/** Everything that later steps find already open. */
interface Opened {
  /** /proc of the host. */
  readonly proc: DescriptorSlot;
  readonly fifo: DescriptorSlot | undefined;
  readonly console: DescriptorSlot | undefined;
}

/** What the runtime has to run, or to write the state for, before the program goes on. */
const hooksBeforeStart = ['prestart', 'createRuntime', ...containerHookKinds] as const;

/** Throws unimplemented or invalid_argument, naming the property, for what cannot be compiled. */
export function compileContainer(input: CompileInput): Program {
  checkLabels(input.config.process, input.facts);
  const namespaces = planNamespaces(input.config.linux?.namespaces ?? []);
  checkNamespaces(namespaces);
  const mounts = planMounts(input);
  const context = new CompileContext(input.preservedDescriptors);
  const handshake = new Handshake(context);
  prologue(context.program, {
    name: 'runtime',
    ...(input.openFiles && { openFiles: input.openFiles }),
  });

  const opened = openHostFiles(context, input);
  const joined = openNamespaces(context, namespaces.joined);
  const cgroup = openCgroup(context, input.facts.cgroup, {
    inUserNamespace: hasNamespace(namespaces, 'user'),
  });
  const clonesBinds = clonesBindsFirst(input, namespaces);
  // Root clones what it mounts while it still sees the host with its own rights; anyone else can only inside.
  const early = input.facts.privileged
    ? cloneTrees(context, input, mounts, clonesBinds)
    : undefined;
  joinNamespaces(context, joined);
  createUserAndTime(context, namespaces.created, handshake);
  spawnProcess(context, handshake, { ...cgroup, flags: cloneFlags(namespaces.created) });

  prepareProcess(context, input, namespaces);
  if (Object.keys(input.config.linux?.netDevices ?? {}).length > 0) {
    handshake.exchange('netDevices', 'wait for network devices', 'linux.netDevices');
  }
  const trees = early ?? cloneTrees(context, input, mounts, clonesBinds);
  const root = context.program.register();
  context.withKept(trees.root, (fd) => context.program.set(root, fd));
  const ownsMounts = hasNamespace(namespaces, 'mount');
  buildRoot(context, input, mounts, { trees, root, ownsMounts });
  const { hooks } = input.config;
  if (hooksBeforeStart.some((kind) => hooks?.[kind]?.length)) {
    handshake.exchange('hooks', 'wait for the hooks of the runtime', 'hooks.createRuntime');
  }
  runContainerHooks(context, hooks, 'createContainer', { lifeline: handshake.lifeline });
  enterRoot(context, root, input.noPivot || !ownsMounts);
  shareRoot(context, root, input);
  if (opened.console) {
    makeTerminal(context, {
      process: input.config.process,
      console: opened.console,
      root,
      mountConsole: true,
    });
  }
  makeRootReadonly(context, root, input);
  setNames(context, input.config);
  context.withKept(opened.proc, (proc) => setSysctls(context, proc, input.config));
  protectReadonlyPaths(context, root, input);
  maskPaths(context, root, input);
  becomeProcess(context, input, { handshake, opened });
  return context.program.build();
}

function openHostFiles(context: CompileContext, input: CompileInput): Opened {
  const { program } = context;
  program.stage('open /proc of the host');
  const proc = context.openHost('/proc', O_PATH | O_DIRECTORY);
  let fifo: DescriptorSlot | undefined;
  if (input.fifo !== undefined) {
    program.stage('open the exec fifo');
    fifo = context.openHost(input.fifo, O_PATH);
  }
  return { proc, fifo, console: input.console && connectConsole(context, input.console) };
}

/**
 * Whether the sources of bind mounts are cloned on the host, because the container's root may not reach them or
 * does not find them, or because mounts are to go back there. Otherwise each is cloned in its turn: since Linux 6.8
 * /proc/self/mountinfo is in the order in which mounts came into being.
 */
function clonesBindsFirst(input: CompileInput, namespaces: NamespacePlan): boolean {
  const joinsMounts = namespaces.joined.some(({ type }) => type === 'mount');
  const isForeign = hasNamespace(namespaces, 'user') || joinsMounts;
  return input.facts.privileged && (isForeign || isShared(input));
}

/** The container's root is attached on top of the host's: a clone that is made then would have it on top as well. */
function isHostRoot({ facts }: CompileInput, source = ''): boolean {
  return facts.sources.get(source) === 'host root';
}

function cloneTrees(
  context: CompileContext,
  input: CompileInput,
  mounts: readonly PlannedMount[],
  clonesBinds: boolean,
) {
  return {
    root: cloneRoot(context, input),
    binds: cloneBindSources(
      context,
      input,
      clonesBinds ? mounts : mounts.filter(({ source }) => isHostRoot(input, source)),
    ),
    cgroups: cloneCgroups(context, input, mounts),
    devices: ownsDev(mounts) ? cloneDevices(context, input) : new Map<string, DescriptorSlot>(),
  };
}

function prepareProcess(
  context: CompileContext,
  input: CompileInput,
  { created }: NamespacePlan,
): void {
  const { program } = context;
  program.stage('start a session').syscall('setsid', []);
  if (created.has('cgroup')) {
    program.stage('create the cgroup namespace').from('linux.namespaces');
    program.syscall('unshare', [CLONE_NEWCGROUP]);
  }
  if (!input.noNewKeyring) joinSessionKeyring(context, input.id);
  if (created.has('network')) bringLoopbackUp(context);
}

interface Building {
  readonly trees: ReturnType<typeof cloneTrees>;
  readonly root: Register;
  readonly ownsMounts: boolean;
}

function buildRoot(
  context: CompileContext,
  input: CompileInput,
  mounts: readonly PlannedMount[],
  { trees, root, ownsMounts }: Building,
): void {
  attachRoot(context, root, ownsMounts ? undefined : input.rootMount);
  mountAll(context, root, input, mounts, trees);
  if (ownsDev(mounts)) {
    makeDevices(context, root, input, trees.devices);
    makeLinks(context, root, input);
    makeDevReadonly(context, root, mounts);
  }
  // As long as the root can be written.
  makeDirectory(context, root, input.config.process);
}

interface Becoming {
  readonly handshake: Handshake;
  readonly opened: Opened;
}

/** From root of the container to the user's process. */
function becomeProcess(
  context: CompileContext,
  input: CompileInput,
  { handshake, opened }: Becoming,
): void {
  const { program } = context;
  const { process } = input.config;
  setLabels(context, opened.proc, process, input.facts);
  setNoNewPrivileges(context, process);
  setPriorities(context, process);
  setPersonality(context, input.config.linux?.personality);
  setMemoryPolicy(context, input.config.linux?.memoryPolicy);
  setLimits(context, process);
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
  handshake.exchange('ready', 'wait until the container is on record');
  if (opened.fifo) waitForStart(context, handshake, { proc: opened.proc, fifo: opened.fifo });
  runContainerHooks(context, input.config.hooks, 'startContainer', {
    reportsToFifo: opened.fifo !== undefined,
  });
  closeOnExecute(context);
  loadSeccomp(context, loading);
  execute(context, process, input.home, path);
}

/**
 * Blocks until `start` opens the other end of the exec fifo. From then on failures go there, and its end without one
 * means that execve succeeded.
 */
function waitForStart(
  context: CompileContext,
  handshake: Handshake,
  { proc, fifo }: { proc: DescriptorSlot; fifo: DescriptorSlot },
): void {
  const { program } = context;
  program.stage(waitForStartStage);
  // The fifo was opened as a path only; under a number that is known here /proc/self/fd opens it for writing.
  const number = handshake.close();
  context.withKept(fifo, (path) => {
    program.syscall('dup3', [path, number, O_CLOEXEC]);
  });
  context.withKept(proc, (directory) => {
    context.borrow((end) => {
      const name = program.string(`self/fd/${number}`);
      program.syscall('openat', [directory, name, O_WRONLY | O_CLOEXEC, 0], { result: end });
      context.borrow((old) => {
        program.set(old, resultDescriptor);
        program.set(resultDescriptor, end);
        context.close(old);
      });
      program.syscall('write', [end, program.string('0'), 1], { demand: 1 });
    });
  });
}
