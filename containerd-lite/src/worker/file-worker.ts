/**
 * File system work on worker threads, so that the daemon answers while a layer is unpacked or a tree deleted.
 * Threads start when there is work and end when there has been none for a while.
 */
import { Worker } from 'node:worker_threads';
import { StackError } from '#spec/errors';
import { workerPath } from '#lib/installation/installation';
import type {
  AnswerMessage,
  ApplyJob,
  CreateSubvolumeJob,
  DiffJob,
  Job,
  JobMessage,
  JobResults,
  WorkerSettings,
} from './protocol.ts';

/** Threads at work at the same time, unless more are asked for. */
const defaultThreads = 2;
const idleMs = 3000;

interface Pending {
  message: JobMessage;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

interface Thread {
  worker: Worker;
  current: Pending | undefined;
  idleTimer: NodeJS.Timeout | undefined;
}

export class FileWorker {
  readonly #settings: WorkerSettings;
  readonly #file: string;
  readonly #maxThreads: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Pending[] = [];
  #nextId = 1;

  /** `file` is the bundle of worker/main.ts. */
  constructor(
    settings: WorkerSettings,
    maxThreads = defaultThreads,
    file = workerPath('containerd-lite-worker'),
  ) {
    this.#settings = settings;
    this.#file = file;
    this.#maxThreads = maxThreads;
  }

  /** Unpacks a layer; what was unpacked before a failure stays for the caller to remove. */
  async apply(job: Omit<ApplyJob, 'type'>): Promise<JobResults['apply']> {
    return this.#run({ type: 'apply', ...job });
  }

  /** Packs the difference of two trees into a file. */
  async diff(job: Omit<DiffJob, 'type'>): Promise<JobResults['diff']> {
    return this.#run({ type: 'diff', ...job });
  }

  /** What a tree takes on disk; with `base` only what is other than there. */
  async usage(directory: string, base?: string): Promise<JobResults['usage']> {
    return this.#run({ type: 'usage', directory, base });
  }

  async createSubvolume(job: Omit<CreateSubvolumeJob, 'type'>): Promise<void> {
    await this.#run({ type: 'create subvolume', ...job });
  }

  /** Nothing happens where there is none. */
  async destroySubvolume(target: string): Promise<void> {
    await this.#run({ type: 'destroy subvolume', target });
  }

  /** Removes a file or a tree; nothing happens where there is none. */
  async removeTree(path: string): Promise<void> {
    await this.#run({ type: 'remove', path });
  }

  /** Unmounts whatever is mounted at `target`; nothing happens where nothing is. */
  async unmount(target: string): Promise<void> {
    await this.#run({ type: 'unmount', target });
  }

  /** Ends all threads; what they were doing fails. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#threads].map(async (thread) => {
        clearTimeout(thread.idleTimer);
        await thread.worker.terminate();
      }),
    );
  }

  async #run<J extends Job>(job: J): Promise<JobResults[J['type']]> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ message: { id: this.#nextId++, job }, resolve, reject });
      this.#dispatch();
    }) as Promise<JobResults[J['type']]>; // the worker answers each type with its result
  }

  #dispatch(): void {
    if (this.#waiting.length === 0) return;
    const thread = [...this.#threads].find(({ current }) => !current) ?? this.#start();
    if (!thread) return;
    thread.current = this.#waiting.shift();
    clearTimeout(thread.idleTimer);
    thread.worker.ref();
    thread.worker.postMessage(thread.current?.message);
  }

  #start(): Thread | undefined {
    if (this.#threads.size >= this.#maxThreads) return undefined;
    const worker = new Worker(this.#file, { workerData: this.#settings });
    const thread: Thread = { worker, current: undefined, idleTimer: undefined };
    this.#threads.add(thread);
    worker.on('message', (answer: AnswerMessage) => {
      const pending = thread.current;
      thread.current = undefined;
      if (answer.ok) pending?.resolve(answer.result);
      else pending?.reject(errorOf(answer));
      if (answer.ends) this.#threads.delete(thread);
      else this.#rest(thread);
      this.#dispatch();
    });
    const ended = (error: Error) => {
      clearTimeout(thread.idleTimer);
      this.#threads.delete(thread);
      thread.current?.reject(error);
      this.#dispatch();
    };
    worker.on('error', ended);
    worker.on('exit', () => ended(new StackError('cancelled', 'the worker thread has ended')));
    return thread;
  }

  #rest(thread: Thread): void {
    thread.worker.unref();
    thread.idleTimer = setTimeout(() => {
      if (thread.current) return;
      this.#threads.delete(thread); // no job may reach it any more
      void thread.worker.terminate();
    }, idleMs);
    thread.idleTimer.unref();
  }
}

function errorOf({ message, kind }: Extract<AnswerMessage, { ok: false }>): Error {
  return kind === undefined ? new Error(message) : new StackError(kind, message);
}
