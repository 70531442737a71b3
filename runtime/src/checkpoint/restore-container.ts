/** From images to a running container. Undoes everything if it fails. */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import type { Cgroup } from '#lib/cgroup/layout';
import { addProcess, killAll, remove } from '#lib/cgroup/processes';
import { requestTypes, type CriuOptions } from '#lib/criu/rpc';
import { askCriu, criuVersion } from '#lib/criu/session';
import { mountFlags, umountFlags } from '#lib/sys/flags';
import { mount, umount2 } from '#lib/sys/mount';
import { StackError } from '#spec/errors';
import type { Bundle } from '../container/bundle.ts';
import { runHooks } from '../container/hooks.ts';
import { readProcessStat } from '../container/process-identity.ts';
import type { ContainerRecord, StateStore } from '../container/state-store.ts';
import { hookState } from '../container/status.ts';
import {
  cgroupPath,
  cgroupResources,
  prepareCgroup,
  refuseOccupiedCgroup,
} from '../host/cgroups.ts';
import { sendTerminal, type ConsoleSocket } from '../host/console-socket.ts';
import { resolveSources } from '../host/facts.ts';
import { homeDirectory } from '../host/home-directory.ts';
import { prepareResctrl, type PreparedResctrl } from '../host/resctrl.ts';
import { planUnit, startUnit, type StartedUnit } from '../host/unit.ts';
import type { RuntimeLog } from '../log/runtime-log.ts';
import { configFile, openWorkDirectory, type CriuPaths } from './criu-flags.ts';
import { withCriuWords } from './criu-failure.ts';
import { makeMountPoints } from './mount-points.ts';
import { restoredOutside } from './outside.ts';
import { makeRootReadOnly, viewWithWritableRoot } from './read-only-root.ts';

const logName = 'restore.log';
/** The first criu that sets other labels than those of the images. */
const criuWithLabels = 31_600;

export interface RestoreOptions {
  readonly id: string;
  readonly bundle: Bundle;
  readonly store: StateStore;
  readonly log: RuntimeLog;
  readonly paths: CriuPaths;
  readonly criu: CriuOptions;
  readonly lsmProfile: string | undefined;
  readonly lsmMountContext: string | undefined;
  /** Path of the socket that takes the terminal's master. */
  readonly console: ConsoleSocket | undefined;
  readonly pidFile: string | undefined;
  /** The container outlives this process: its parent is to be the nearest subreaper above, at once. */
  readonly detached: boolean;
  /** systemd makes the cgroup. */
  readonly systemdCgroup: boolean;
}

export async function restoreContainer(options: RestoreOptions): Promise<ContainerRecord> {
  const { id, store, bundle, log } = options;
  const config = resolveSources(bundle.config, bundle.directory);
  if (!fs.existsSync(options.paths.images)) {
    throw new StackError('not_found', `open ${options.paths.images}: no such file or directory`);
  }
  store.reserve(id);
  let cgroup: Cgroup | undefined;
  let unit: StartedUnit | undefined;
  let resctrl: PreparedResctrl | undefined;
  try {
    const plannedUnit = options.systemdCgroup ? await planUnit(config, id) : undefined;
    const group = plannedUnit?.cgroupPath ?? cgroupPath(config, id);
    refuseOccupiedCgroup(group);
    const planned: ContainerRecord = {
      id,
      bundle: bundle.directory,
      rootfs: bundle.rootfs,
      pid: 0,
      startTime: '',
      creator: { pid: process.pid, startTime: readProcessStat(process.pid)?.startTime ?? '' },
      created: new Date().toISOString(),
      ownerUid: process.geteuid?.() ?? 0,
      cgroupPath: group,
      ...(plannedUnit && { unit: plannedUnit.record }),
      home: homeDirectory(bundle.rootfs, config.process),
      noNewKeyring: false,
      stdio: [0, 1, 2].map((fd) => fs.readlinkSync(`/proc/self/fd/${fd}`)),
      config,
    };
    store.write(planned); // should this process be killed, `delete --force` finds the cgroup by this
    if (plannedUnit) unit = await startUnit(plannedUnit, cgroupResources(config));
    cgroup = prepareCgroup(config, group, {
      tolerant: false,
      warn: (message) => log.warn(message),
    });
    resctrl = await prepareResctrl(config, id);
    makeMountPoints(config, bundle.rootfs);
    const { creator: _creator, ...rest } = planned;
    const unfinished = { ...rest, ...(resctrl && { resctrl: resctrl.group }) };
    const place = { cgroup, resctrl };
    const record = withRoot(store.rootMount(id), bundle.rootfs, (root) =>
      restore(options, unfinished, { ...place, root }),
    );
    if (options.pidFile !== undefined) {
      writeFileAtomicSync(options.pidFile, String(record.pid), { mode: 0o644 });
    }
    return record;
  } catch (error) {
    resctrl?.remove();
    unit?.release();
    if (cgroup) {
      await killAll(cgroup);
      await remove(cgroup);
    }
    await unit?.stop();
    store.remove(id);
    throw error;
  } finally {
    unit?.release();
  }
}

/**
 * criu wants a root that is a mount point with nothing mounted over its parent. Should this process be killed, `delete`
 * knows the place.
 */
function withRoot<T>(rootMount: string, rootfs: string, work: (root: string) => T): T {
  fs.mkdirSync(rootMount, { mode: 0o755 });
  const root = fs.realpathSync(rootMount);
  try {
    mount({ source: rootfs, target: root, flags: mountFlags.MS_BIND | mountFlags.MS_REC });
    try {
      return work(root);
    } finally {
      umount2(root, umountFlags.MNT_DETACH);
    }
  } finally {
    fs.rmdirSync(root);
  }
}

interface Place {
  readonly root: string;
  readonly cgroup: Cgroup | undefined;
  readonly resctrl: PreparedResctrl | undefined;
}

function restore(
  { paths, criu, store, ...options }: RestoreOptions,
  unfinished: ContainerRecord,
  { root, cgroup, resctrl }: Place,
): ContainerRecord {
  const { config } = unfinished;
  let record: ContainerRecord | undefined;
  const complete = (pid: number): ContainerRecord => ({
    ...unfinished,
    pid,
    startTime: readProcessStat(pid)?.startTime ?? '',
  });
  const isReadOnly = config.root.readonly ?? false;
  const view = path.join(store.directory(unfinished.id), 'criu-images');
  if (isReadOnly) viewWithWritableRoot(paths.images, view);
  const imagesFd = openWorkDirectory(isReadOnly ? view : paths.images);
  const workFd = openWorkDirectory(paths.work);
  const outside = restoredOutside(unfinished, paths.images);
  try {
    fs.rmSync(path.join(paths.work, logName), { force: true });
    withCriuWords({ directory: paths.work, name: logName }, () => {
      const labels = securityLabels(options, criuVersion());
      askCriu(
        {
          type: requestTypes.RESTORE,
          opts: {
            ...criu,
            ...configFile(config.annotations),
            ...outside.options,
            ...labels,
            // criu opens them through /proc as descriptors of whoever asks it.
            images_dir_fd: imagesFd,
            work_dir_fd: workFd,
            log_file: logName,
            root,
            evasive_devices: true,
            rst_sibling: !options.detached, // our child, whose end we see; else criu's, which ends now
          },
        },
        {
          stdio: [0, 1],
          passed: outside.passed,
          prepare(pid) {
            // What criu clones is where criu is.
            if (cgroup) addProcess(cgroup, pid);
            resctrl?.join(pid);
            return { cg_root: cgroupRoots(pid) };
          },
          onNotify({ script, pid = 0 }, descriptor) {
            if (script === 'setup-namespaces') {
              const state = hookState(complete(pid), 'creating');
              runHooks(config.hooks, 'prestart', hookState(complete(pid), 'created'));
              runHooks(config.hooks, 'createRuntime', state);
            }
            // Nothing of the container runs yet.
            if (script === 'post-restore') {
              if (isReadOnly) makeRootReadOnly(pid);
              record = complete(pid);
              store.write(record);
            }
            if (descriptor === undefined) return;
            if (script === 'orphan-pts-master' && options.console) {
              sendTerminal(options.console, descriptor, script);
            }
            fs.closeSync(descriptor);
          },
        },
      );
    });
  } finally {
    outside.close();
    fs.rmSync(view, { recursive: true, force: true });
    fs.closeSync(imagesFd);
    fs.closeSync(workFd);
  }
  if (!record) throw new StackError('internal', 'criu restored no process');
  return record;
}

function securityLabels(
  { lsmProfile, lsmMountContext }: Pick<RestoreOptions, 'lsmProfile' | 'lsmMountContext'>,
  version: number,
): CriuOptions {
  for (const [flag, value] of Object.entries({
    'lsm-profile': lsmProfile,
    'lsm-mount-context': lsmMountContext,
  })) {
    if (value && version < criuWithLabels) {
      throw new StackError('unimplemented', `--${flag} requires at least CRIU 3.16`);
    }
  }
  return {
    ...(lsmProfile && { lsm_profile: lsmProfile }),
    ...(lsmMountContext && { lsm_mount_context: lsmMountContext }),
  };
}

/** Where the container's own part of every hierarchy begins: where `pid` is. */
function cgroupRoots(pid: number): { ctrl: string; path: string }[] {
  const lines = fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, controllers = '', group = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return controllers.split(',').map((ctrl) => ({ ctrl, path: group }));
  });
}
