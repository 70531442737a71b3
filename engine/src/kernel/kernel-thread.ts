/**
 * The one thread of engined that leaves the host's network namespace and waits in the kernel. The main thread
 * never does either: a pool thread born during a switch would keep the foreign namespace.
 */
import { Worker } from 'node:worker_threads';
import { workerPath } from '#lib/installation/installation';
import type { Logger } from '#lib/log/logger';
import { StackError } from '#spec/errors';
import type {
  ArgumentOf,
  KernelRequest,
  KernelResponse,
  OperationName,
  ResultOf,
} from './protocol.ts';
import { thrownError } from './plain-error.ts';

interface PendingCall {
  readonly operation: OperationName;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts its thread at the first call, and a new one after a thread was lost. */
export class KernelThread {
  readonly #logger: Logger;
  readonly #file: string;
  readonly #pending = new Map<number, PendingCall>();
  #worker: Worker | undefined;
  #lastId = 0;
  #closed = false;

  /** @param file what the thread runs: worker.ts, bundled. */
  constructor(logger: Logger, file = workerPath('engined-kernel-worker')) {
    this.#logger = logger;
    this.#file = file;
  }

  /**
   * Carries out an operation of protocol.ts. Throws what it throws (StackError with its kind, `code` for
   * system calls), and unavailable when the thread ended before it answered.
   */
  async call<Name extends OperationName>(
    operation: Name,
    ...[argument]: ArgumentOf<Name> extends undefined ? [] : [argument: ArgumentOf<Name>]
  ): Promise<ResultOf<Name>> {
    if (this.#closed) throw new StackError('unavailable', `${operation}: kernel thread is closed`);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const id = ++this.#lastId;
    const result = await new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { operation, resolve, reject });
      worker.ref(); // engined does not end while something is under way
      worker.postMessage({ id, operation, argument } satisfies KernelRequest);
    });
    return result as ResultOf<Name>; // the worker ran exactly this operation
  }

  /** Ends the thread; calls under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    // Descriptors of the loader's come and go by system calls that Node does not see.
    const worker = new Worker(this.#file, { trackUnmanagedFds: false });
    worker.on('message', (response: KernelResponse) => this.#settle(worker, response));
    worker.on('error', (error) => this.#logger.error('kernel thread failed', { error }));
    worker.on('exit', (code) => this.#replace(worker, code));
    return worker;
  }

  #settle(worker: Worker, response: KernelResponse): void {
    const call = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if (this.#pending.size === 0) worker.unref();
    if ('error' in response) call?.reject(thrownError(response.error));
    else call?.resolve(response.result);
  }

  #replace(worker: Worker, code: number): void {
    if (this.#worker === worker) this.#worker = undefined;
    if (!this.#closed) this.#logger.error('kernel thread ended and will be replaced', { code });
    for (const [id, { operation, reject }] of this.#pending) {
      this.#pending.delete(id);
      reject(new StackError('unavailable', `${operation}: kernel thread ended before it answered`));
    }
  }
}
