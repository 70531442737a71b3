/**
 * Tasks: at most one per container, each in a shim of its own that outlives this daemon.
 *
 *   create ──> shim started, bundle made ──> start ──> exit (recorded) ──> delete ──> shim and bundle gone
 *
 * A shim that dies takes its task with it: `delete` of its executable kills and cleans up, and the task then exists
 * only as the record of its end, until the client deletes it.
 */
import path from 'node:path';
import { StackError, isStackError } from '#spec/errors';
import { TaskDelete, TaskExit } from '#proto/generated/containerd.events';
import type { Container } from '#proto/generated/containerd.services.containers.v1';
import type { CreateTaskRequest } from '#proto/generated/containerd.task.v2';
import type { Envelope } from '#proto/generated/containerd.types';
import type { Process } from '#proto/generated/containerd.v1.types';
import { isAny, unpackAny } from '#proto/any';
import { timestampNow } from '#proto/timestamp';
import type { Exchange } from '../events/exchange.ts';
import type { ExitRecord } from '../metadata/metadata-store.ts';
import type { Bundle, Bundles } from './bundle.ts';
import { quickDeadlineMs, slowDeadlineMs } from './deadlines.ts';
import type { Exits } from './exits.ts';
import type { LiveTasks } from './live-tasks.ts';
import type { TaskClient } from './shim.ts';

export interface TasksParts {
  bundles: Bundles;
  exits: Exits;
  exchange: Exchange;
  live: LiveTasks;
  /** The shim of a runtime. */
  resolveRuntime: (name: string) => string;
}

export interface TaskCreation {
  namespace: string;
  container: Container;
  request: Omit<CreateTaskRequest, 'id' | 'bundle'>;
  /** In place of the container's own runtime; may be empty. */
  runtimePath: string;
  /** Puts the images of the saved container that the task continues into a folder. */
  unpackCheckpoint?: (folder: string) => Promise<void>;
}

/** Stays as long as the bundle: a task is restored when it is started. */
function checkpointFolder(bundle: Bundle): string {
  return path.join(bundle.path, 'checkpoint');
}

export class Tasks {
  readonly #parts: TasksParts;
  readonly #live: LiveTasks;
  /** Ids whose creation is under way. */
  readonly #creating = new Set<string>();

  constructor(parts: TasksParts) {
    this.#parts = parts;
    this.#live = parts.live;
  }

  /** Starts a shim and creates the task in it. Throws already_exists, also for one that ended and was not deleted. */
  async create(creation: TaskCreation): Promise<number> {
    const { namespace, container, runtimePath } = creation;
    const { id } = container;
    const key = `${namespace}/${id}`;
    const { exits, resolveRuntime } = this.#parts;
    if (this.#live.get(namespace, id) || this.#creating.has(key) || exits.get(namespace, id)) {
      throw new StackError('already_exists', `task "${id}": already exists`);
    }
    const shimPath = resolveRuntime(runtimePath || (container.runtime?.name ?? ''));
    const options = creation.request.options ?? container.runtime?.options;
    this.#creating.add(key);
    try {
      const bundle = await this.#createBundle(creation);
      const checkpoint = creation.unpackCheckpoint && checkpointFolder(bundle);
      return await this.#live.start(bundle, shimPath, {
        ...creation.request,
        ...(checkpoint && { checkpoint }),
        ...(options && { options }),
      });
    } finally {
      this.#creating.delete(key);
    }
  }

  /** The Task service of a task's shim. Throws not_found, also for a task that ended with its shim. */
  client(namespace: string, id: string): TaskClient {
    const task = this.#live.get(namespace, id);
    if (!task) throw notFound(id);
    return task.shim.task;
  }

  /** Throws not_found. */
  async process(namespace: string, id: string, execId: string): Promise<Process> {
    const task = this.#live.get(namespace, id);
    if (!task) return processOf(id, execId, this.#ended(namespace, id, execId));
    try {
      const state = await task.shim.task.state({ id, execId }, { deadlineMs: quickDeadlineMs });
      const { pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt } = state;
      return {
        containerId: id,
        id: execId || id,
        pid,
        status,
        stdin,
        stdout,
        stderr,
        terminal,
        exitStatus,
        ...(exitedAt && { exitedAt }),
      };
    } catch (error) {
      if (!isStackError(error, 'unavailable')) throw error;
      await task.gone;
      return processOf(id, execId, this.#ended(namespace, id, execId));
    }
  }

  /** Ids of the containers that have a task. */
  list(namespace: string): string[] {
    const live = this.#live.ids(namespace);
    return [...new Set([...live, ...this.#parts.exits.containerIds(namespace)])].sort();
  }

  /** Answers when the process has ended. Throws not_found. */
  async wait(
    namespace: string,
    id: string,
    execId: string,
    signal: AbortSignal,
  ): Promise<Pick<ExitRecord, 'exitStatus' | 'exitedAt'>> {
    const task = this.#live.get(namespace, id);
    if (!task) return this.#ended(namespace, id, execId);
    try {
      const { exitStatus, exitedAt } = await task.shim.task.wait({ id, execId }, { signal });
      return { exitStatus, exitedAt: exitedAt ?? timestampNow() };
    } catch (error) {
      if (!isStackError(error, 'unavailable')) throw error;
      await task.gone;
      return this.#ended(namespace, id, execId);
    }
  }

  /** Removes a task that has ended and says how. Throws not_found, conflict while it runs. */
  async delete(namespace: string, id: string): Promise<ExitRecord> {
    const task = this.#live.get(namespace, id);
    if (!task) return this.#deleteEnded(namespace, id);
    let exit: ExitRecord;
    await this.#parts.exits.settled();
    try {
      const response = await task.shim.task.delete({ id }, { deadlineMs: slowDeadlineMs });
      exit = { ...response, exitedAt: response.exitedAt ?? timestampNow() };
    } catch (error) {
      if (!isStackError(error, 'unavailable')) throw error;
      await task.gone;
      return this.#deleteEnded(namespace, id);
    }
    await this.#live.end(task);
    this.#parts.exits.deleteAll(namespace, id);
    return exit;
  }

  /** Removes an exec that has ended and says how. */
  async deleteExec(namespace: string, id: string, execId: string): Promise<ExitRecord> {
    const client = this.client(namespace, id);
    await this.#parts.exits.settled();
    const response = await client.delete({ id, execId }, { deadlineMs: quickDeadlineMs });
    this.#parts.exits.delete(namespace, id, execId);
    return { ...response, exitedAt: response.exitedAt ?? timestampNow() };
  }

  /** The container's record is gone: nobody can ask any more how its task ended. */
  forget(namespace: string, id: string): void {
    if (!this.#live.get(namespace, id)) this.#parts.exits.deleteAll(namespace, id);
  }

  /** Takes an event of a shim: an exit is recorded before anybody hears of it. */
  receive(envelope: Envelope): void {
    const { event, namespace } = envelope;
    if (event && isAny(TaskExit, event)) {
      const { containerId, id, pid, exitStatus, exitedAt } = unpackAny(TaskExit, event);
      if (this.#live.get(namespace, containerId)) {
        this.#parts.exits.record(namespace, containerId, id === containerId ? '' : id, {
          pid,
          exitStatus,
          exitedAt: exitedAt ?? timestampNow(),
        });
      }
    }
    this.#parts.exchange.forward(envelope);
  }

  async #createBundle({ namespace, container, unpackCheckpoint }: TaskCreation): Promise<Bundle> {
    const { bundles } = this.#parts;
    const spec = container.spec?.value ?? Buffer.alloc(0);
    const bundle = await bundles.create(namespace, container.id, spec);
    try {
      await unpackCheckpoint?.(checkpointFolder(bundle));
      return bundle;
    } catch (error) {
      await bundles.remove(bundle);
      throw error;
    }
  }

  #ended(namespace: string, id: string, execId: string): ExitRecord {
    const exit = this.#parts.exits.get(namespace, id, execId);
    if (!exit) throw notFound(id, execId);
    return exit;
  }

  #deleteEnded(namespace: string, id: string): ExitRecord {
    const exit = this.#ended(namespace, id, '');
    this.#parts.exits.deleteAll(namespace, id);
    this.#parts.exchange.publish(namespace, '/tasks/delete', TaskDelete, {
      containerId: id,
      id,
      ...exit,
    });
    return exit;
  }
}

function processOf(id: string, execId: string, exit: ExitRecord): Process {
  return {
    containerId: id,
    id: execId || id,
    pid: exit.pid,
    status: 'STOPPED',
    stdin: '',
    stdout: '',
    stderr: '',
    terminal: false,
    ...exit.stdio,
    exitStatus: exit.exitStatus,
    exitedAt: exit.exitedAt,
  };
}

/** containerd's own words, which clients show. */
function notFound(id: string, execId = ''): StackError {
  const what = execId === '' ? `task ${id}` : `process ${execId} of task ${id}`;
  return new StackError('not_found', `${what} not found: not found`);
}
