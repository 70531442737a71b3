/**
 * Tasks: at most one per container, each in a shim of its own that outlives this daemon.
 *
 *   create ──> shim started, bundle made ──> start ──> exit (recorded) ──> delete ──> shim and bundle gone
 *
 * A shim that dies takes its task with it: `delete` of its executable kills and cleans up, and the task then exists
 * only as the record of its end, until the client deletes it.
 */
import path from 'node:path';
import { StackError, isStackError, messageOf } from '#spec/errors';
import { TaskDelete, TaskExit } from '#proto/generated/containerd.events';
import type { Container } from '#proto/generated/containerd.services.containers.v1';
import type { CreateTaskRequest } from '#proto/generated/containerd.task.v2';
import type { Process } from '#proto/generated/containerd.v1.types';
import { isTimestampSet, timestampNow } from '#proto/timestamp';
import { isAny, unpackAny } from '#proto/any';
import type { Envelope } from '#proto/generated/containerd.types';
import type { Logger } from '#lib/log/logger';
import type { Exchange } from '../events/exchange.ts';
import type { ExitRecord } from '../metadata/metadata-store.ts';
import {
  readEndpoint,
  readShimPath,
  readStdio,
  writeEndpoint,
  writeShimPath,
  writeStdio,
  type Bundle,
  type Bundles,
} from './bundle.ts';
import type { Exits } from './exits.ts';
import { deleteShim, startShim, type ShimEnvironment } from './shim-binary.ts';
import { copyShimLog } from './shim-log.ts';
import { Shim } from './shim.ts';

/** Longest time for a shim to answer what takes no work. */
export const quickDeadlineMs = 20_000;
/** Longest time for a shim to create or start something: mounts, hooks and a loaded machine take their time. */
export const slowDeadlineMs = 120_000;

/** Exit status of a task whose shim died, as the shells count SIGKILL. */
const killedStatus = 128 + 9;

/** A task with a shim. */
interface LiveTask {
  readonly shim: Shim;
  readonly stopLog: () => void;
  /** Set once the client deletes it: the shim's end is then no accident. */
  deleting: boolean;
  /** Resolves when everything of it was cleaned up. */
  gone: Promise<void>;
}

export interface TasksParts {
  bundles: Bundles;
  exits: Exits;
  exchange: Exchange;
  environment: ShimEnvironment;
  /** The shim of a runtime. */
  resolveRuntime(name: string): string;
  log: Logger;
}

export class Tasks {
  readonly #parts: TasksParts;
  readonly #live = new Map<string, LiveTask>();
  /** Ids whose creation is under way. */
  readonly #creating = new Set<string>();
  #closed = false;

  constructor(parts: TasksParts) {
    this.#parts = parts;
  }

  /** Starts a shim and creates the task in it. Throws already_exists, also for one that ended and was not deleted. */
  async create(
    namespace: string,
    container: Container,
    request: Omit<CreateTaskRequest, 'id' | 'bundle'>,
    runtimePath: string,
  ): Promise<number> {
    const { id } = container;
    const key = keyOf(namespace, id);
    if (this.#live.has(key) || this.#creating.has(key) || this.#parts.exits.get(namespace, id)) {
      throw new StackError('already_exists', `task "${id}": already exists`);
    }
    const runtime = runtimePath || (container.runtime?.name ?? '');
    const shimPath = this.#parts.resolveRuntime(runtime);
    const options = request.options ?? container.runtime?.options;
    this.#creating.add(key);
    try {
      const spec = container.spec?.value ?? Buffer.alloc(0);
      const bundle = await this.#parts.bundles.create(namespace, id, spec);
      return await this.#createIn(bundle, shimPath, { ...request, ...(options && { options }) });
    } finally {
      this.#creating.delete(key);
    }
  }

  /** The shim of a task. Throws not_found, also for a task that ended with its shim. */
  shim(namespace: string, id: string): Shim {
    const task = this.#live.get(keyOf(namespace, id));
    if (!task) throw notFound(namespace, id);
    return task.shim;
  }

  /** Throws not_found. */
  async process(namespace: string, id: string, execId: string): Promise<Process> {
    const task = this.#live.get(keyOf(namespace, id));
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
    const live = [...this.#live.values()]
      .filter(({ shim }) => shim.bundle.namespace === namespace)
      .map(({ shim }) => shim.bundle.id);
    return [...new Set([...live, ...this.#parts.exits.containerIds(namespace)])].sort();
  }

  /** Answers when the process has ended. Throws not_found. */
  async wait(
    namespace: string,
    id: string,
    execId: string,
    signal: AbortSignal,
  ): Promise<ExitRecord> {
    const task = this.#live.get(keyOf(namespace, id));
    if (!task) return this.#ended(namespace, id, execId);
    try {
      const { exitStatus, exitedAt } = await task.shim.task.wait({ id, execId }, { signal });
      return { pid: 0, exitStatus, exitedAt: exitedAt ?? timestampNow() };
    } catch (error) {
      if (!isStackError(error, 'unavailable')) throw error;
      await task.gone;
      return this.#ended(namespace, id, execId);
    }
  }

  /** Removes a task that has ended and says how. Throws not_found, conflict while it runs. */
  async delete(namespace: string, id: string): Promise<ExitRecord> {
    const key = keyOf(namespace, id);
    const task = this.#live.get(key);
    if (!task) return this.#deleteEnded(namespace, id);
    let exit: ExitRecord;
    try {
      const response = await task.shim.task.delete({ id }, { deadlineMs: slowDeadlineMs });
      exit = { ...response, exitedAt: response.exitedAt ?? timestampNow() };
    } catch (error) {
      if (!isStackError(error, 'unavailable')) throw error;
      await task.gone;
      return this.#deleteEnded(namespace, id);
    }
    task.deleting = true;
    await this.#shutDown(task);
    this.#live.delete(key);
    await this.#parts.bundles.remove(task.shim.bundle);
    this.#parts.exits.deleteAll(namespace, id);
    return exit;
  }

  /** Removes an exec that has ended and says how. */
  async deleteExec(namespace: string, id: string, execId: string): Promise<ExitRecord> {
    const { task } = this.shim(namespace, id);
    const response = await task.delete({ id, execId }, { deadlineMs: quickDeadlineMs });
    this.#parts.exits.delete(namespace, id, execId);
    return { ...response, exitedAt: response.exitedAt ?? timestampNow() };
  }

  /** The container's record is gone: nobody can ask any more how its task ended. */
  forget(namespace: string, id: string): void {
    if (!this.#live.has(keyOf(namespace, id))) this.#parts.exits.deleteAll(namespace, id);
  }

  /** Takes an event of a shim: an exit is recorded before anybody hears of it. */
  receive(envelope: Envelope): void {
    const { event, namespace } = envelope;
    if (event && isAny(TaskExit, event)) {
      const { containerId, id, pid, exitStatus, exitedAt } = unpackAny(TaskExit, event);
      if (this.#live.has(keyOf(namespace, containerId))) {
        this.#parts.exits.record(namespace, containerId, id === containerId ? '' : id, {
          pid,
          exitStatus,
          exitedAt: exitedAt ?? timestampNow(),
        });
      }
    }
    this.#parts.exchange.forward(envelope);
  }

  /** Connects to the shims that a previous process left; cleans up after those that are gone. */
  async load(): Promise<void> {
    await Promise.all(
      this.#parts.bundles.list().map(async (bundle) => {
        try {
          await this.#loadOne(bundle);
        } catch (error) {
          this.#parts.log.error('cannot load a task', { ...bundle, error });
        }
      }),
    );
  }

  /** Lets go of all shims, which run on. */
  close(): void {
    this.#closed = true;
    for (const { shim, stopLog } of this.#live.values()) {
      shim.close();
      stopLog();
    }
  }

  async #createIn(
    bundle: Bundle,
    shimPath: string,
    request: Omit<CreateTaskRequest, 'id' | 'bundle'>,
  ): Promise<number> {
    const { environment, bundles, log } = this.#parts;
    let stopLog: () => void = () => undefined;
    let shim: Shim | undefined;
    try {
      const { stdin, stdout, stderr, terminal } = request;
      writeStdio(bundle, { stdin, stdout, stderr, terminal });
      writeShimPath(bundle, shimPath);
      stopLog = copyShimLog(bundle, log);
      const startedMs = performance.now();
      const endpoint = await startShim(shimPath, bundle, environment, request.options);
      const call = `${path.basename(shimPath)} start`;
      log.debug('call', { call, durationMs: performance.now() - startedMs });
      writeEndpoint(bundle, endpoint);
      shim = new Shim(bundle, endpoint);
      this.#watch(shim, stopLog);
      const { pid } = await shim.task.create(
        { ...request, id: bundle.id, bundle: bundle.path },
        { deadlineMs: slowDeadlineMs },
      );
      return pid;
    } catch (error) {
      const task = this.#live.get(keyOf(bundle.namespace, bundle.id));
      if (task) {
        task.deleting = true;
        this.#live.delete(keyOf(bundle.namespace, bundle.id));
        await this.#shutDown(task);
      }
      await this.#deleteWithBinary(bundle, shimPath);
      stopLog();
      await bundles.remove(bundle);
      this.#parts.exits.deleteAll(bundle.namespace, bundle.id);
      throw error;
    }
  }

  /** Makes the shim known, and cleans up when it dies. */
  #watch(shim: Shim, stopLog: () => void): LiveTask {
    const task: LiveTask = { shim, stopLog, deleting: false, gone: Promise.resolve() };
    task.gone = shim.ended.then(async () => {
      if (task.deleting || this.#closed) return;
      this.#parts.log.warn('a shim has died', { ...shim.bundle });
      shim.close();
      await this.#cleanUpAfter(shim.bundle, stopLog);
    });
    task.gone.catch((error: unknown) =>
      this.#parts.log.error('cannot clean up after a shim', { ...shim.bundle, error }),
    );
    this.#live.set(keyOf(shim.bundle.namespace, shim.bundle.id), task);
    return task;
  }

  /** The shim of `bundle` is gone: kills what it left, records the end, removes the bundle, tells everyone. */
  async #cleanUpAfter(bundle: Bundle, stopLog: () => void): Promise<void> {
    const { namespace, id } = bundle;
    const { bundles, exits, exchange } = this.#parts;
    const response = await this.#deleteWithBinary(bundle, readShimPath(bundle));
    const stdio = readStdio(bundle);
    const exit: ExitRecord = {
      ...(stdio && { stdio }),
      pid: response?.pid ?? 0,
      exitStatus: response?.exitStatus || killedStatus,
      exitedAt: isTimestampSet(response?.exitedAt) ? response.exitedAt : timestampNow(),
    };
    const isNews = exits.record(namespace, id, '', exit);
    this.#live.delete(keyOf(namespace, id));
    stopLog();
    await bundles.remove(bundle);
    if (isNews) {
      exchange.publish(namespace, '/tasks/exit', TaskExit, { containerId: id, id, ...exit });
    }
  }

  async #deleteWithBinary(bundle: Bundle, shimPath: string | undefined) {
    if (shimPath === undefined) return undefined;
    try {
      return await deleteShim(shimPath, bundle, this.#parts.environment);
    } catch (error) {
      this.#parts.log.warn('a shim could not clean up', { ...bundle, reason: messageOf(error) });
      return undefined;
    }
  }

  /** Asks the shim to end; it refuses while it holds other tasks. */
  async #shutDown({ shim, stopLog }: LiveTask): Promise<void> {
    try {
      await shim.task.shutdown({ id: shim.bundle.id }, { deadlineMs: quickDeadlineMs });
    } catch (error) {
      // It may be gone before its answer is out.
      if (!isStackError(error, 'unavailable')) {
        this.#parts.log.warn('a shim does not end', { ...shim.bundle, reason: messageOf(error) });
      }
    }
    shim.close();
    stopLog();
  }

  async #loadOne(bundle: Bundle): Promise<void> {
    const { log, exits } = this.#parts;
    const endpoint = readEndpoint(bundle);
    const stopLog = copyShimLog(bundle, log);
    if (!endpoint) return this.#cleanUpAfter(bundle, stopLog);
    const shim = new Shim(bundle, endpoint);
    const { id, namespace } = bundle;
    try {
      await shim.task.connect({ id }, { deadlineMs: quickDeadlineMs });
      const state = await shim.task.state({ id }, { deadlineMs: quickDeadlineMs });
      this.#watch(shim, stopLog);
      if (state.status === 'STOPPED') {
        const { pid, exitStatus, exitedAt } = state;
        exits.record(namespace, id, '', { pid, exitStatus, exitedAt: exitedAt ?? timestampNow() });
      }
      log.info('found a task again', { namespace, id, status: state.status });
    } catch (error) {
      log.warn('the shim of a task is gone', { namespace, id, reason: messageOf(error) });
      shim.close();
      await this.#cleanUpAfter(bundle, stopLog);
    }
  }

  #ended(namespace: string, id: string, execId: string): ExitRecord {
    const exit = this.#parts.exits.get(namespace, id, execId);
    if (!exit) throw notFound(namespace, id, execId);
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

function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}

function notFound(namespace: string, id: string, execId = ''): StackError {
  const what = execId === '' ? 'task' : `process "${execId}" of task`;
  return new StackError('not_found', `${what} "${id}" in namespace "${namespace}": not found`);
}
