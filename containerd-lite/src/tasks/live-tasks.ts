/**
 * Tasks with a shim: starts shims, finds those of a previous process again, and cleans up after those that die.
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isStackError, messageOf } from '#spec/errors';
import { TaskExit } from '#proto/generated/containerd.events';
import type { CreateTaskRequest, DeleteResponse } from '#proto/generated/containerd.task.v2';
import { isTimestampSet, timestampNow } from '#proto/timestamp';
import type { Logger } from '#lib/log/logger';
import type { Exchange } from '../events/exchange.ts';
import type { ExitRecord } from '../metadata/metadata-store.ts';
import {
  markCreated,
  readCreated,
  readEndpoint,
  readShimPath,
  writeEndpoint,
  writeShimPath,
  type Bundle,
  type Bundles,
} from './bundle.ts';
import { quickDeadlineMs } from './deadlines.ts';
import type { Exits } from './exits.ts';
import { deleteShim, startShim, type ShimEnvironment } from './shim-binary.ts';
import { copyShimLog } from './shim-log.ts';
import { Shim } from './shim.ts';
import type { StandbyShims } from './standby-shims.ts';

/** How long the daemon's start waits for shims that do not answer. They are asked on behind it. */
const loadTimeoutMs = 2000;
/** Exit status of a task whose shim died, as the shells count SIGKILL. */
const killedStatus = 128 + 9;

/** A task with a shim. */
export interface LiveTask {
  readonly shim: Shim;
  readonly stopLog: () => void;
  /** Set once its end is wanted: the shim's end is then no accident. */
  ending: boolean;
  /** Resolves when the shim has died and everything of it was cleaned up. */
  gone: Promise<void>;
}

export interface LiveTasksParts {
  bundles: Bundles;
  exits: Exits;
  exchange: Exchange;
  environment: ShimEnvironment;
  standbys: StandbyShims;
  log: Logger;
}

export class LiveTasks {
  readonly #parts: LiveTasksParts;
  readonly #live = new Map<string, LiveTask>();
  /** Shims that were told to go and have not answered, by namespace and id of what was their task. */
  readonly #ending = new Map<string, Promise<void>>();
  #closed = false;

  constructor(parts: LiveTasksParts) {
    this.#parts = parts;
  }

  get(namespace: string, id: string): LiveTask | undefined {
    return this.#live.get(keyOf({ namespace, id }));
  }

  ids(namespace: string): string[] {
    return [...this.#live.values()]
      .filter(({ shim }) => shim.bundle.namespace === namespace)
      .map(({ shim }) => shim.bundle.id);
  }

  /** Starts a shim for `bundle` and creates the task in it. Nothing stays behind when this fails, the bundle included. */
  async start(
    bundle: Bundle,
    shimPath: string,
    request: Omit<CreateTaskRequest, 'id' | 'bundle'>,
  ): Promise<number> {
    const { environment, standbys, bundles, log } = this.#parts;
    let stopLog: () => void = () => undefined;
    let shim: Shim | undefined;
    await this.#ending.get(keyOf(bundle)); // it listens where the next one will
    try {
      writeShimPath(bundle, shimPath);
      stopLog = copyShimLog(bundle, log);
      const startedMs = performance.now();
      const ready = await standbys.take(shimPath, bundle, request.options);
      const endpoint = ready ?? (await startShim(shimPath, bundle, environment, request.options));
      const call = `${path.basename(shimPath)} ${ready ? 'standby' : 'start'}`;
      log.debug('call', { call, durationMs: performance.now() - startedMs });
      writeEndpoint(bundle, endpoint);
      shim = new Shim(bundle, endpoint);
      this.#watch(shim, stopLog);
      const pid = await shim.create(request);
      const { stdin, stdout, stderr, terminal } = request;
      markCreated(bundle, { stdin, stdout, stderr, terminal });
      return pid;
    } catch (error) {
      standbys.giveUp(bundle);
      const task = this.get(bundle.namespace, bundle.id);
      if (task) await this.#letGo(task);
      await this.#deleteWithBinary(bundle, shimPath);
      stopLog();
      await bundles.remove(bundle);
      this.#parts.exits.deleteAll(bundle.namespace, bundle.id);
      throw error;
    }
  }

  /** Removes the bundle of a task that was deleted in its shim, and lets the shim end. */
  async end(task: LiveTask): Promise<void> {
    const { bundle } = task.shim;
    task.ending = true;
    try {
      await this.#parts.bundles.remove(bundle); // a shim that finds none ends by itself, should we not come to tell it
    } finally {
      this.#forget(bundle);
      const key = keyOf(bundle);
      const ending = this.#shutDown(task).finally(() => {
        if (this.#ending.get(key) === ending) this.#ending.delete(key);
      });
      this.#ending.set(key, ending);
    }
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

  /** Makes the shim known, and cleans up when it dies. */
  #watch(shim: Shim, stopLog: () => void): LiveTask {
    const task: LiveTask = { shim, stopLog, ending: false, gone: Promise.resolve() };
    task.gone = shim.ended.then(async () => {
      if (task.ending || this.#closed) return;
      this.#parts.log.warn('a shim has died', { ...shim.bundle });
      shim.close();
      await this.#cleanUpAfter(shim.bundle, stopLog);
    });
    task.gone.catch((error: unknown) =>
      this.#parts.log.error('cannot clean up after a shim', { ...shim.bundle, error }),
    );
    this.#live.set(keyOf(shim.bundle), task);
    return task;
  }

  /** The shim of `bundle` is gone: kills what it left, records the end, removes the bundle, tells everyone. */
  async #cleanUpAfter(bundle: Bundle, stopLog: () => void): Promise<void> {
    const { namespace, id } = bundle;
    const { bundles, exits, exchange } = this.#parts;
    const response = await this.#deleteWithBinary(bundle, readShimPath(bundle));
    const stdio = readCreated(bundle);
    const exit: ExitRecord = {
      ...(stdio && { stdio }),
      pid: response?.pid ?? 0,
      exitStatus: response?.exitStatus || killedStatus,
      exitedAt: isTimestampSet(response?.exitedAt) ? response.exitedAt : timestampNow(),
    };
    // Nobody was told of a task whose creation was interrupted, so nobody asks for its end.
    const isNews = stdio !== undefined && exits.record(namespace, id, '', exit);
    await exits.settled();
    this.#forget(bundle);
    stopLog();
    await bundles.remove(bundle);
    if (isNews) {
      exchange.publish(namespace, '/tasks/exit', TaskExit, { containerId: id, id, ...exit });
    }
  }

  async #deleteWithBinary(
    bundle: Bundle,
    shimPath: string | undefined,
  ): Promise<DeleteResponse | undefined> {
    if (shimPath === undefined) return undefined;
    try {
      return await deleteShim(shimPath, bundle, this.#parts.environment);
    } catch (error) {
      this.#parts.log.warn('a shim could not clean up', { ...bundle, reason: messageOf(error) });
      return undefined;
    }
  }

  async #letGo(task: LiveTask): Promise<void> {
    task.ending = true;
    await this.#shutDown(task);
    this.#forget(task.shim.bundle);
  }

  #forget(bundle: Bundle): void {
    this.#live.delete(keyOf(bundle));
  }

  /** Asks the shim to end; it refuses while it holds other tasks. */
  async #shutDown({ shim, stopLog }: Pick<LiveTask, 'shim' | 'stopLog'>): Promise<void> {
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
    const endpoint = readEndpoint(bundle);
    const stopLog = copyShimLog(bundle, this.#parts.log);
    if (!endpoint) return this.#cleanUpAfter(bundle, stopLog);
    const shim = new Shim(bundle, endpoint);
    if (!readCreated(bundle)) return this.#discard(shim, stopLog);
    const task = this.#watch(shim, stopLog); // from here on its end is noticed
    const isKnown = this.#recognise(task);
    // One that is stopped or starved must not hold up the others, nor be taken for dead.
    await Promise.race([isKnown, delay(loadTimeoutMs, undefined, { ref: false })]);
  }

  /** Asks the shim what became of its task, however long it takes to answer. */
  async #recognise(task: LiveTask): Promise<void> {
    const { log, exits } = this.#parts;
    const { shim } = task;
    const { id, namespace } = shim.bundle;
    while (true) {
      try {
        const state = await shim.task.state({ id }, { deadlineMs: quickDeadlineMs });
        const { status, pid, exitStatus, exitedAt } = state;
        if (status === 'STOPPED') {
          const exit = { pid, exitStatus, exitedAt: exitedAt ?? timestampNow() };
          exits.record(namespace, id, '', exit);
        }
        log.info('found a task again', { namespace, id, status });
        return;
      } catch (error) {
        const reason = messageOf(error);
        if (isStackError(error, 'deadline_exceeded')) {
          log.warn('a shim does not answer yet', { namespace, id, reason });
          continue;
        }
        log.warn('the shim of a task is gone', { namespace, id, reason });
        shim.close(); // also one that lives but lost its task: what is left of it is cleaned up
        return task.gone;
      }
    }
  }

  /** Ends a shim whose task was never answered to a client. */
  async #discard(shim: Shim, stopLog: () => void): Promise<void> {
    this.#parts.log.warn('discarding a task whose creation was interrupted', { ...shim.bundle });
    await this.#deleteWithBinary(shim.bundle, readShimPath(shim.bundle)); // kills what runs
    const { id } = shim.bundle;
    await shim.task.delete({ id }, { deadlineMs: quickDeadlineMs }).catch(() => undefined); // may not know it
    await this.#shutDown({ shim, stopLog });
    await this.#parts.bundles.remove(shim.bundle);
  }
}

function keyOf({ namespace, id }: Pick<Bundle, 'namespace' | 'id'>): string {
  return `${namespace}/${id}`;
}
