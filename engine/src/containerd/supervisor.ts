/**
 * The containerd-lite that engined starts when it is given none. It does not die with engined: the next engined finds
 * it by pid file and start time and goes on with it. When it dies, it is started again.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import { executablePath } from '#lib/installation/installation';
import type { Logger } from '#lib/log/logger';
import { ContainerdClient } from '#proto/containerd-client';
import { errorCode, messageOf, StackError } from '#spec/errors';

export interface SupervisorOptions {
  dataRoot: string;
  execRoot: string;
  logLevel: string;
  logger: Logger;
}

/** The pid file: which process, and when it started, because process ids are used again. */
interface RunningDaemon {
  pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: string;
}

const watchMs = 250;
const startMs = 15_000;
/** How many may end before that is an error. */
const maximumLaunches = 3;
/** SIGTERM is answered by containers going on and the database being closed. */
const stopMs = 10_000;

export class ContainerdSupervisor {
  /** Path of its socket. */
  readonly address: string;
  readonly #folder: string;
  readonly #options: SupervisorOptions;
  readonly #stopping = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#folder = path.join(options.execRoot, 'containerd-lite');
    this.address = path.join(this.#folder, 'containerd-lite.sock');
  }

  /** Adopts or starts it, resolves when it answers, and keeps it running from then on. */
  async start(): Promise<void> {
    await fs.promises.mkdir(this.#folder, { recursive: true, mode: 0o711 });
    const running = this.#find();
    if (running) this.#options.logger.info('adopted containerd-lite', { ...running });
    await this.#ensure();
    this.#watching = this.#watch();
  }

  /** Stops it together with the engine. Containers keep running: shims do not need it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    const running = this.#find();
    if (!running) return;
    process.kill(running.pid, 'SIGTERM');
    const deadline = Date.now() + stopMs;
    while (this.#find() && Date.now() < deadline) await delay(20);
    if (this.#find()) process.kill(running.pid, 'SIGKILL');
    await fs.promises.rm(this.#pidFile, { force: true });
  }

  get #pidFile(): string {
    return path.join(this.#folder, 'containerd-lite.pid');
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    const stopping = (): boolean => signal.aborted;
    while (!stopping()) {
      await delay(watchMs, undefined, { signal }).catch(() => undefined);
      if (stopping() || this.#find()) continue;
      this.#options.logger.error('containerd-lite ended and is started again');
      try {
        await this.#ensure();
      } catch (error) {
        this.#options.logger.error('cannot start containerd-lite', { error });
      }
    }
  }

  #launch(): void {
    const { dataRoot, logLevel } = this.#options;
    const log = fs.openSync(path.join(this.#folder, 'containerd-lite.log'), 'a', 0o640);
    try {
      const child = spawn(
        executablePath('containerd-lite'),
        [
          ...['--root', path.join(dataRoot, 'containerd-lite')],
          ...['--state', path.join(this.#folder, 'state')],
          ...['--address', this.address],
          ...['--log-level', logLevel],
        ],
        // A session of its own: what stops engined (a terminal, a service manager's group) does not stop it.
        { detached: true, stdio: ['ignore', log, log] },
      );
      child.on('error', (error) => {
        this.#options.logger.error('cannot start containerd-lite', { error });
      });
      child.unref();
      if (child.pid === undefined) return;
      this.#note(child.pid);
    } finally {
      fs.closeSync(log);
    }
  }

  #note(pid: number): void {
    const running: RunningDaemon = { pid, startTime: startTimeOf(pid) ?? '' };
    writeFileAtomicSync(this.#pidFile, JSON.stringify(running));
  }

  /** The process of the pid file, if it is still that process. */
  #find(): RunningDaemon | undefined {
    let running: RunningDaemon;
    try {
      // Written by #launch and nobody else.
      running = JSON.parse(fs.readFileSync(this.#pidFile, 'utf8')) as RunningDaemon;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    return startTimeOf(running.pid) === running.startTime ? running : undefined;
  }

  /** Resolves when it answers; starts it where none is known. Throws unavailable when it keeps ending. */
  async #ensure(): Promise<void> {
    const client = new ContainerdClient(this.address, { namespace: 'default' });
    const deadline = Date.now() + startMs;
    let launches = 0;
    try {
      while (true) {
        if (!this.#find() && launches < maximumLaunches) {
          this.#launch();
          launches++;
        }
        try {
          const { pid } = await client.introspection.server({}, { deadlineMs: 1000 });
          // An engine that was killed between starting it and noting that left the file with another process or none.
          if (this.#find()?.pid !== pid) this.#note(pid);
          return;
        } catch (error) {
          // Beside one of which nobody knew, and which has not answered yet, the next ones end at once.
          if (Date.now() > deadline || (!this.#find() && launches === maximumLaunches)) {
            const log = path.join(this.#folder, 'containerd-lite.log');
            throw new StackError(
              'unavailable',
              `containerd-lite does not answer on ${this.address}: ${messageOf(error)} (see ${log})`,
              { cause: error },
            );
          }
        }
        await delay(10);
      }
    } finally {
      client.close();
    }
  }
}

/** Undefined for a process that does not exist, or is dead and not yet reaped. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, field 2, is in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}
