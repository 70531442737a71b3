/** From a bundle to a container whose process waits for `start`, or runs at once. Undoes everything if it fails. */
import fs from 'node:fs';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import type { Cgroup } from '#lib/cgroup/layout';
import { remove } from '#lib/cgroup/processes';
import type { Program } from '#lib/loader/program';
import { AT_FDCWD } from '#lib/sys/flags';
import { mknodat, S_IFIFO } from '#lib/sys/file';
import { StackError } from '#spec/errors';
import type { Namespace } from '#spec/oci/linux';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { compileContainer } from '../compile/container-program.ts';
import type { CompileInput } from '../compile/input.ts';
import { readBundle } from '../container/bundle.ts';
import { removeState } from '../container/destroy.ts';
import { runHooks } from '../container/hooks.ts';
import { hookState } from '../container/status.ts';
import { readProcessStat } from '../container/process-identity.ts';
import { StateStore, type ContainerRecord, type CreationRecord } from '../container/state-store.ts';
import { debugProgram } from '../log/debug-program.ts';
import type { RuntimeLog } from '../log/runtime-log.ts';
import {
  cgroupPath,
  cgroupResources,
  noCgroup,
  placementOf,
  prepareCgroup,
  refuseOccupiedCgroup,
} from './cgroups.ts';
import { seccompProgram, warnOfMissing } from './compile-options.ts';
import { makeMountIdMaps } from './mount-id-maps.ts';
import { ContainerHookFiles } from './container-hook-files.ts';
import {
  converse,
  type ConversationOptions,
  type RunningProgram,
  type StartedProcess,
} from './conversation.ts';
import { consoleDescriptors, consoleTarget, type ConsoleSocket } from './console-socket.ts';
import { fillCopyUps } from './copy-up.ts';
import { sendSeccompListener } from './seccomp-listener.ts';
import { gatherFacts, isInitialUserNamespace, resolveSources } from './facts.ts';
import {
  announceListening,
  listeningDescriptors,
  preservedDescriptors,
} from './inherited-descriptors.ts';
import type { NetDeviceMover } from './net-devices.ts';
import { withNotifySocket } from './notify-socket.ts';
import { sendPidfd } from './pidfd-socket.ts';
import { prepareResctrl, type PreparedResctrl } from './resctrl.ts';
import { planUnit, startUnit, type StartedUnit } from './unit.ts';
import { homeDirectory } from './home-directory.ts';
import { originalOpenFiles } from './open-files.ts';

export interface CreateOptions {
  readonly id: string;
  readonly root: string;
  readonly bundle: string;
  readonly log: RuntimeLog;
  /** Wait at the exec fifo for `start`. */
  readonly waits: boolean;
  /** As of --rootless; undefined to find out. */
  readonly rootless: boolean | undefined;
  /** The container outlives this process. */
  readonly detached: boolean;
  /** Takes the terminal's master. */
  readonly console?: ConsoleSocket | undefined;
  readonly pidFile?: string | undefined;
  /** Path of the socket that takes a pidfd of the first process. */
  readonly pidfdSocket?: string | undefined;
  /** Run with NOTIFY_SOCKET alone, before the container's process: `directory` is where that will look for it. */
  onNotifyDirectory?(directory: string): void;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly preserveFds: number;
  /** systemd makes the cgroup. */
  readonly systemdCgroup: boolean;
}

export interface CreatedContainer {
  readonly record: ContainerRecord;
  readonly running: RunningProgram;
}

export async function createContainer(options: CreateOptions): Promise<CreatedContainer> {
  const { id, log } = options;
  const store = new StateStore(options.root);
  const { directory, rootfs, config: written } = readBundle(options.bundle);
  const notifyDirectory = process.env.NOTIFY_SOCKET ? store.notifyDirectory(id) : undefined;
  const resolved = resolveSources(written, directory);
  const config = notifyDirectory ? withNotifySocket(resolved, notifyDirectory) : resolved;
  const terminal = config.process.terminal ?? false;
  if (terminal && options.console === undefined) {
    throw new StackError(
      'invalid_argument',
      'cannot allocate tty if runtime will detach without setting console socket',
    );
  }
  if (!terminal && options.console !== undefined) {
    throw new StackError(
      'invalid_argument',
      'cannot use console socket if runtime will not detach or allocate tty',
    );
  }
  // Root of a user namespace (a container in a container) is an ordinary user outside.
  const tolerant = options.rootless ?? (process.geteuid?.() !== 0 || !isInitialUserNamespace());
  store.reserve(id);
  const unfinished = {
    id,
    bundle: directory,
    rootfs,
    created: new Date().toISOString(),
    ownerUid: process.geteuid?.() ?? 0,
    noNewKeyring: options.noNewKeyring,
    stdio: [0, 1, 2].map((fd) => fs.readlinkSync(`/proc/self/fd/${fd}`)),
    config,
  };
  let cgroup: Cgroup | undefined;
  let unit: StartedUnit | undefined;
  let resctrl: PreparedResctrl | undefined;
  try {
    const plannedUnit = options.systemdCgroup ? await planUnit(config, id) : undefined;
    const group = plannedUnit?.cgroupPath ?? cgroupPath(config, id);
    const unitRecord = plannedUnit && { unit: plannedUnit.record };
    // Should this process be killed, `delete --force` finds the cgroup by this.
    const planned = {
      pid: 0,
      startTime: '',
      creator: { pid: process.pid, startTime: readProcessStat(process.pid)?.startTime ?? '' },
      home: '/',
      cgroupPath: group,
      ...unitRecord,
    };
    refuseOccupiedCgroup(group); // what is on record, delete kills
    store.write({ ...unfinished, ...planned });
    if (plannedUnit) unit = await startUnit(plannedUnit, cgroupResources(config));
    cgroup = prepareCgroup(config, group, { tolerant, warn: (message) => log.warn(message) });
    resctrl = await prepareResctrl(config, id);
    if (notifyDirectory !== undefined) {
      fs.mkdirSync(notifyDirectory, { mode: 0o755 });
      options.onNotifyDirectory?.(notifyDirectory);
    }
    const facts = gatherFacts(config, cgroup ? placementOf(cgroup) : noCgroup);
    warnOfMissing(config, facts, (message) => log.warn(message));
    if (options.waits) makeFifo(store.fifo(id));
    if (sharesMounts(config.linux?.namespaces)) fs.mkdirSync(store.rootMount(id), { mode: 0o700 });
    const listening = listeningDescriptors();
    const preserved = preservedDescriptors(listening + options.preserveFds);
    const home = homeDirectory(rootfs, config.process);
    const seccomp = seccompProgram(config);
    const openFiles = originalOpenFiles();
    const program = compileContainer({
      config: announceListening(config, listening),
      id,
      rootfs,
      facts,
      ...(options.waits && { fifo: store.fifo(id) }),
      ...(options.console && { console: consoleTarget(options.console) }),
      rootMount: store.rootMount(id),
      noPivot: options.noPivot,
      noNewKeyring: options.noNewKeyring,
      preservedDescriptors: preserved.length,
      home,
      ...(seccomp && { seccomp }),
      ...(openFiles && { openFiles }),
    } satisfies CompileInput);
    const creation: CreationRecord = {
      waits: options.waits,
      console: options.console !== undefined,
      noPivot: options.noPivot,
      listening,
      preservedDescriptors: preserved.length,
      ...(openFiles && { openFiles: { soft: `${openFiles.soft}`, hard: `${openFiles.hard}` } }),
    };
    const complete = {
      ...{ ...unfinished, home, creation },
      ...(cgroup && { cgroupPath: cgroup.path, ...unitRecord }),
      ...(resctrl && { resctrl: resctrl.group }),
    };
    const createMover = await netDeviceMover(config);
    const starting = { options, store, preserved, tolerant, resctrl, createMover };
    return start(program, complete, starting);
  } catch (error) {
    const outOfMemory = cgroup !== undefined && (await wasOutOfMemory(cgroup));
    resctrl?.remove();
    unit?.release();
    if (cgroup) await remove(cgroup);
    await unit?.stop();
    await removeState(id, store);
    if (!outOfMemory) throw error;
    throw new StackError(
      'resource_exhausted',
      'unable to start container process: container init was OOM-killed (memory limit too low?): linux.resources.memory.limit',
      { cause: error },
    );
  } finally {
    unit?.release();
  }
}

/** Loaded here alone: watching a cgroup takes more of Node than a create does. */
async function wasOutOfMemory(cgroup: Cgroup): Promise<boolean> {
  const { oomKills } = await import('#lib/cgroup/oom');
  return oomKills(cgroup) > 0;
}

async function netDeviceMover({ linux }: RuntimeConfig): Promise<Starting['createMover']> {
  if (Object.keys(linux?.netDevices ?? {}).length === 0) return undefined;
  const { NetDeviceMover } = await import('./net-devices.ts');
  return (pid) => new NetDeviceMover(pid);
}

interface Starting {
  readonly options: CreateOptions;
  readonly store: StateStore;
  readonly preserved: readonly number[];
  readonly tolerant: boolean;
  readonly resctrl: PreparedResctrl | undefined;
  /** With `linux.netDevices` alone: netlink is loaded for nothing else here. */
  readonly createMover: ((pid: number) => NetDeviceMover) | undefined;
}

function start(
  program: Program,
  unfinished: Omit<ContainerRecord, 'pid' | 'startTime'>,
  { options, store, preserved, tolerant, resctrl, createMover }: Starting,
): CreatedContainer {
  const { config } = unfinished;
  let record: ContainerRecord | undefined;
  let netDevices: NetDeviceMover | undefined;
  const complete = (started: StartedProcess): ContainerRecord => ({ ...unfinished, ...started });
  const hookFiles = new ContainerHookFiles(config.hooks);
  const prepared = {
    ...fillCopyUps(config, unfinished.rootfs),
    ...makeMountIdMaps(config),
  };
  const conversation: ConversationOptions = {
    process: config.process,
    descriptors: { ...hookFiles.descriptors, ...prepared, ...consoleDescriptors(options.console) },
    hookOutput: hookFiles.output,
    ...(config.linux && { linux: config.linux }),
    preserved,
    tolerant,
    detached: options.detached,
    ...debugProgram(options.log, program),
    onNetDevices({ pid }) {
      netDevices = createMover?.(pid);
      netDevices?.move(config.linux?.netDevices ?? {});
    },
    onHooks(started) {
      const state = hookState(complete(started), 'creating');
      // These belonged to start once, and are told what they were told then (crun does the same).
      runHooks(config.hooks, 'prestart', hookState(complete(started), 'created'));
      runHooks(config.hooks, 'createRuntime', state);
      hookFiles.writeStates({
        createContainer: state,
        startContainer: hookState(complete(started), 'created'),
      });
    },
    onSeccomp(started, fd) {
      const state = hookState(complete(started), 'creating');
      sendSeccompListener(config.linux?.seccomp, { pid: started.pid, fd, state });
    },
    onReady(started) {
      record = complete(started);
      resctrl?.join(started.pid);
      store.write(record);
      if (options.pidfdSocket !== undefined) {
        sendPidfd(options.pidfdSocket, started.pid, 'standard');
      }
      if (options.pidFile !== undefined) {
        writeFileAtomicSync(options.pidFile, String(started.pid), { mode: 0o644 });
      }
    },
  };
  let running: RunningProgram;
  try {
    running = converse(program, conversation);
  } catch (error) {
    netDevices?.moveBack();
    throw error;
  } finally {
    netDevices?.close();
    hookFiles.closeInputs();
    for (const fd of Object.values(prepared)) fs.closeSync(fd);
  }
  if (!record) throw new Error('converse() calls onReady before it returns');
  return { record, running };
}

function sharesMounts(namespaces: readonly Namespace[] = []): boolean {
  return !namespaces.some(({ type }) => type === 'mount');
}

/** Anybody may write: the container's user is another one, and only the runtime's root leads here. */
function makeFifo(fifo: string): void {
  mknodat(AT_FDCWD, fifo, S_IFIFO | 0o622);
  fs.chmodSync(fifo, 0o622);
}
