/** The task service, versions 2 and 3: requests in, the container's methods, answers out. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import { pids } from '#lib/cgroup/processes';
import { stats } from '#lib/cgroup/stats';
import { version } from '#lib/installation/installation';
import { packAny } from '#proto/any';
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskPaused,
  TaskResumed,
} from '#proto/generated/containerd.events';
import { ProcessDetails } from '#proto/generated/containerd.runc.v1';
import type { CreateTaskRequest, TaskService } from '#proto/generated/containerd.task.v2';
import type { Status } from '#proto/generated/containerd.v1.types';
import type { Handlers } from '#proto/service';
import { Container, type ContainerParts } from './container.ts';
import type { Containers } from './containers.ts';
import { readContainerSpec } from './container-spec.ts';
import type { EventPublisher } from './event-publisher.ts';
import type { ShimLog } from './log.ts';
import { packMetrics } from './metrics.ts';
import type { Reaper } from './reaper.ts';
import { mountRootfs } from './rootfs.ts';
import { RuntimeCommand } from './runtime-command.ts';
import type { ServedRuntime } from './served-runtime.ts';
import { readRuntimeOptions } from './runtime-options.ts';
import { saveState, type ContainerState, type ProcessStatus } from './state.ts';

const statusNames = {
  created: 'CREATED',
  running: 'RUNNING',
  paused: 'PAUSED',
  stopped: 'STOPPED',
} as const satisfies Record<ProcessStatus, Status>;

export interface TaskServiceParts {
  namespace: string;
  containers: Containers;
  reaper: Reaper;
  /** Our runtime, started already. */
  runtimeServer?: ServedRuntime;
  events: EventPublisher;
  log: ShimLog;
  /** Ends the shim. */
  shutdown: () => void;
}

export function taskHandlers(parts: TaskServiceParts): Handlers<typeof TaskService> {
  const { containers, events, shutdown } = parts;
  return {
    create: async (request) =>
      containers.reserve(request.id, () => createContainer(request, parts)),
    start: async ({ id, execId }) => ({ pid: await containers.require(id).start(execId) }),
    state: async ({ id, execId }) => {
      const container = containers.require(id);
      const { state, control } = container;
      const process = container.process(execId).state;
      const isFreezing = control.isPausing && execId === '' && process.status === 'running';
      return {
        id,
        bundle: state.bundle,
        pid: process.pid,
        status: isFreezing ? 'PAUSING' : statusNames[process.status],
        ...process.stdio,
        exitStatus: process.exit?.exitStatus,
        exitedAt: process.exit?.exitedAt,
        execId,
      };
    },
    wait: async ({ id, execId }) => containers.require(id).process(execId).wait(),
    kill: async ({ id, execId, signal, all }) => {
      const container = containers.require(id);
      await container.control.kill(container.process(execId), signal, all);
      return {};
    },
    exec: async ({ id, execId, spec, ...stdio }) => {
      if (execId === '' || !spec) {
        throw new StackError('invalid_argument', 'an exec needs an id and a process');
      }
      const { terminal, stdin, stdout, stderr } = stdio;
      containers.require(id).addExec(execId, spec.value.toString('utf8'), {
        stdin,
        stdout,
        stderr,
        terminal,
      });
      return {};
    },
    resizePty: async ({ id, execId, width, height }) => {
      const { stdio } = containers.require(id).process(execId);
      if (!stdio) throw new StackError('conflict', 'the process is not running');
      stdio.resize({ columns: width, rows: height });
      return {};
    },
    closeIO: async ({ id, execId, stdin }) => {
      if (stdin) containers.require(id).process(execId).stdio?.closeStdin();
      return {};
    },
    pids: async ({ id }) => {
      const container = containers.require(id);
      const { pid, status } = container.state.init;
      // containerd 1.7 and newer take a shim without processes for a leaked one and end it, and how its task ended is
      // lost: until it is deleted, a task that has ended has the process that it had.
      if (status === 'stopped') return { processes: [{ pid }] };
      return {
        processes: pids(container.requireCgroup()).map((pid) => {
          const execId = container.execOfPid(pid);
          return execId === undefined
            ? { pid }
            : { pid, info: packAny(ProcessDetails, { execId }) };
        }),
      };
    },
    pause: async ({ id }) => {
      await containers.require(id).control.pause();
      events.publish('/tasks/paused', TaskPaused, { containerId: id });
      return {};
    },
    resume: async ({ id }) => {
      await containers.require(id).control.resume();
      events.publish('/tasks/resumed', TaskResumed, { containerId: id });
      return {};
    },
    update: async ({ id, resources }) => {
      if (!resources) throw new StackError('invalid_argument', 'an update needs resources');
      await containers.require(id).control.update(resources.value.toString('utf8'));
      return {};
    },
    stats: async ({ id }) => ({
      stats: packMetrics(stats(containers.require(id).requireCgroup())),
    }),
    connect: async ({ id }) => ({
      shimPid: process.pid,
      taskPid: containers.find(id)?.state.init.pid ?? 0,
      version,
    }),
    delete: async ({ id, execId }) => {
      const container = containers.require(id);
      const exit = await container.delete(execId);
      if (execId === '') {
        containers.remove(id);
        events.publish('/tasks/delete', TaskDelete, { containerId: id, ...exit });
      }
      return exit;
    },
    checkpoint: async ({ id, path: image, options }) => {
      await containers.require(id).control.checkpoint(image, options);
      events.publish('/tasks/checkpointed', TaskCheckpointed, {
        containerId: id,
        checkpoint: image,
      });
      return {};
    },
    shutdown: async () => {
      // Asked for when the caller believes that nothing is left; what is left keeps the shim.
      if (containers.isEmpty) shutdown();
      return {};
    },
  };
}

async function createContainer(
  request: CreateTaskRequest,
  parts: TaskServiceParts,
): Promise<{ pid: number }> {
  const { containers, events, namespace } = parts;
  const { id, bundle, rootfs, checkpoint, parentCheckpoint } = request;
  const { stdin, stdout, stderr, terminal } = request;
  const stdio = { stdin, stdout, stderr, terminal };
  const { privatePidNamespace, involvesOthers } = readContainerSpec(bundle);
  const state: ContainerState = {
    id,
    namespace,
    bundle,
    runtime: readRuntimeOptions(request.options, { bundle, namespace }),
    rootfsMounted: rootfs.length > 0,
    privatePidNamespace,
    reportedOomKills: 0,
    ...(checkpoint !== '' && { checkpoint: { image: checkpoint, parent: parentCheckpoint } }),
    init: { execId: '', pid: 0, status: 'created', stdio },
    execs: [],
  };
  // What may wait for long must not hold up the containers of other shims; what criu restores must be below this one.
  const needsOwnRuntime =
    involvesOthers || state.runtime.systemdCgroup || state.checkpoint !== undefined;
  const { runtimeServer, ...others } = parts;
  const ofItsOwn = runtimeServer?.isShared === true && needsOwnRuntime ? others : parts;
  const container = new Container(state, containerParts(state, ofItsOwn));
  if (state.runtime.binary !== parts.runtimeServer?.binary) parts.runtimeServer?.close();
  try {
    saveState(state);
    mountRootfs(rootfs, path.join(bundle, 'rootfs'));
    containers.add(container); // from here on exits are its
    await container.create((pid) =>
      events.publish('/tasks/create', TaskCreate, {
        containerId: id,
        bundle,
        rootfs,
        io: stdio,
        checkpoint,
        pid,
      }),
    );
  } catch (error) {
    await container.abandon();
    containers.remove(id);
    throw error;
  }
  return { pid: state.init.pid };
}

/** What a container needs of its shim. */
export function containerParts(
  { runtime: options, bundle }: ContainerState,
  { reaper, runtimeServer: server, events, log }: TaskServiceParts,
): ContainerParts {
  const runtime = new RuntimeCommand(options, bundle, { reaper, ...(server && { server }), log });
  return { runtime, reaper, events, log };
}
