/** The task service, versions 2 and 3: requests in, the container's methods, answers out. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';
import { pids } from '#lib/cgroup/processes';
import { stats } from '#lib/cgroup/stats';
import { version } from '#lib/installation/installation';
import { packAny } from '#proto/any';
import {
  TaskCreate,
  TaskDelete,
  TaskPaused,
  TaskResumed,
} from '#proto/generated/containerd.events';
import { ProcessDetails } from '#proto/generated/containerd.runc.v1';
import type { CreateTaskRequest, TaskService } from '#proto/generated/containerd.task.v2';
import type { Status } from '#proto/generated/containerd.v1.types';
import type { Handlers } from '#proto/service';
import { Container } from './container.ts';
import type { EventPublisher } from './event-publisher.ts';
import type { ShimLog } from './log.ts';
import { packMetrics } from './metrics.ts';
import type { Reaper } from './reaper.ts';
import { mountRootfs } from './rootfs.ts';
import { RuntimeCommand } from './runtime-command.ts';
import type { RuntimeServer } from './runtime-server.ts';
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
  reaper: Reaper;
  /** Our runtime, started already. */
  runtimeServer: RuntimeServer;
  events: EventPublisher;
  log: ShimLog;
  /** Ends the shim. */
  shutdown: () => void;
}

/** What a shim holds: at most one container. */
export class ContainerSlot {
  container: Container | undefined;
  /** A create is under way. */
  reserved = false;

  /** Throws not_found unless it holds the container `id`. */
  require(id: string): Container {
    if (this.container?.state.id === id) return this.container;
    throw new StackError('not_found', `container "${id}" not created`);
  }
}

export function taskHandlers(
  slot: ContainerSlot,
  { namespace, reaper, runtimeServer, events, log, shutdown }: TaskServiceParts,
): Handlers<typeof TaskService> {
  const create = async (request: CreateTaskRequest) => {
    const { id, bundle, rootfs, checkpoint, stdin, stdout, stderr, terminal } = request;
    if (checkpoint !== '') throw new StackError('unimplemented', 'restore is not implemented');
    if (slot.container || slot.reserved) {
      throw new StackError('already_exists', `container "${id}" already exists`);
    }
    const stdio = { stdin, stdout, stderr, terminal };
    const state: ContainerState = {
      id,
      namespace,
      bundle,
      runtime: readRuntimeOptions(request.options, { bundle, namespace }),
      rootfsMounted: rootfs.length > 0,
      privatePidNamespace: hasPrivatePidNamespace(bundle),
      init: { execId: '', pid: 0, status: 'created', stdio },
      execs: [],
    };
    const runtime = new RuntimeCommand(state.runtime, bundle, {
      reaper,
      server: runtimeServer,
      log,
    });
    if (state.runtime.binary !== runtimeServer.binary) runtimeServer.close();
    const container = new Container(state, { runtime, reaper, events, log });
    slot.reserved = true;
    try {
      saveState(state);
      mountRootfs(rootfs, path.join(bundle, 'rootfs'));
      slot.container = container; // from here on exits are its
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
      slot.container = undefined;
      throw error;
    } finally {
      slot.reserved = false;
    }
    return { pid: state.init.pid };
  };

  return {
    create,
    start: async ({ id, execId }) => ({ pid: await slot.require(id).start(execId) }),
    state: async ({ id, execId }) => {
      const { state } = slot.require(id);
      const process = slot.require(id).process(execId).state;
      return {
        id,
        bundle: state.bundle,
        pid: process.pid,
        status: statusNames[process.status],
        ...process.stdio,
        exitStatus: process.exit?.exitStatus,
        exitedAt: process.exit?.exitedAt,
        execId,
      };
    },
    wait: async ({ id, execId }) => slot.require(id).process(execId).wait(),
    kill: async ({ id, execId, signal, all }) => {
      await slot.require(id).kill(execId, signal, all);
      return {};
    },
    exec: async ({ id, execId, spec, ...stdio }) => {
      if (execId === '' || !spec) {
        throw new StackError('invalid_argument', 'an exec needs an id and a process');
      }
      const { terminal, stdin, stdout, stderr } = stdio;
      slot.require(id).addExec(execId, spec.value.toString('utf8'), {
        stdin,
        stdout,
        stderr,
        terminal,
      });
      return {};
    },
    resizePty: async ({ id, execId, width, height }) => {
      const { stdio } = slot.require(id).process(execId);
      if (!stdio) throw new StackError('conflict', 'the process is not running');
      stdio.resize({ columns: width, rows: height });
      return {};
    },
    closeIO: async ({ id, execId, stdin }) => {
      if (stdin) slot.require(id).process(execId).stdio?.closeStdin();
      return {};
    },
    pids: async ({ id }) => {
      const container = slot.require(id);
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
      await slot.require(id).pause();
      events.publish('/tasks/paused', TaskPaused, { containerId: id });
      return {};
    },
    resume: async ({ id }) => {
      await slot.require(id).resume();
      events.publish('/tasks/resumed', TaskResumed, { containerId: id });
      return {};
    },
    update: async ({ id, resources }) => {
      if (!resources) throw new StackError('invalid_argument', 'an update needs resources');
      await slot.require(id).update(resources.value.toString('utf8'));
      return {};
    },
    stats: async ({ id }) => ({ stats: packMetrics(stats(slot.require(id).requireCgroup())) }),
    connect: async ({ id }) => ({
      shimPid: process.pid,
      taskPid: slot.container?.state.id === id ? slot.container.state.init.pid : 0,
      version,
    }),
    delete: async ({ id, execId }) => {
      const container = slot.require(id);
      const exit = await container.delete(execId);
      if (execId === '') {
        slot.container = undefined;
        events.publish('/tasks/delete', TaskDelete, { containerId: id, ...exit });
      }
      return exit;
    },
    checkpoint: async () => {
      throw new StackError('unimplemented', 'checkpoint is not implemented');
    },
    shutdown: async () => {
      // Asked for when the caller believes that nothing is left; what is left keeps the shim.
      if (!slot.container && !slot.reserved) shutdown();
      return {};
    },
  };
}

/** Whether the container's processes end with its first one. */
function hasPrivatePidNamespace(bundle: string): boolean {
  const file = path.join(bundle, 'config.json');
  let config: unknown;
  try {
    config = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StackError('invalid_argument', `cannot read ${file}: ${messageOf(error)}`);
  }
  const { linux } = config as { linux?: { namespaces?: { type?: string; path?: string }[] } };
  return linux?.namespaces?.some(({ type, path }) => type === 'pid' && !path) ?? false;
}
