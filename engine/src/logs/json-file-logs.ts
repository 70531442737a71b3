/** The log driver json-file (docker's format), and `none`. */
import { EventEmitter, once } from 'node:events';
import type { Logger } from '#lib/log/logger';
import type { StdioPaths } from '../containerd/fifo.ts';
import type { ContainerLogs, LogEntry, LogSelection } from '../daemon/container-logs.ts';
import type { Container } from '../daemon/container.ts';
import { UnloggedOutput, type TaskOutput } from '../daemon/output.ts';
import { logFile, type EnginePaths } from '../daemon/paths.ts';
import { FifoReadiness } from './fifo-readiness.ts';
import { parseRotation } from './json-log-file.ts';
import { LoggedOutput } from './logged-output.ts';
import { readLogs, type LogGrowth } from './read-logs.ts';

export class JsonFileLogs implements ContainerLogs {
  readonly #paths: EnginePaths;
  readonly #logger: Logger;
  readonly #readiness = new FifoReadiness();
  /** Growth of the logs that are being written, by container. */
  readonly #growing = new Map<string, Growth>();

  constructor(paths: EnginePaths, logger: Logger) {
    this.#paths = paths;
    this.#logger = logger;
  }

  async open(container: Container, stdio: StdioPaths): Promise<TaskOutput> {
    const { Type: driver, Config: options } = container.record.hostConfig.LogConfig;
    if (driver === 'none') return new UnloggedOutput(stdio);
    const growth = new Growth();
    const output = new LoggedOutput({
      stdio,
      logPath: logFile(this.#paths, container.id),
      rotation: parseRotation(options),
      readiness: this.#readiness,
      logger: this.#logger,
      onAppend: () => growth.announce(),
    });
    this.#growing.set(container.id, growth);
    void output.finished.then(() => {
      growth.end();
      if (this.#growing.get(container.id) === growth) this.#growing.delete(container.id);
    });
    return output;
  }

  read(
    container: Container,
    selection: LogSelection,
    signal: AbortSignal,
  ): AsyncIterable<LogEntry[]> {
    const growth = this.#growing.get(container.id);
    return readLogs(logFile(this.#paths, container.id), selection, signal, growth);
  }
}

/** Wakes the readers of one log. */
class Growth implements LogGrowth {
  readonly #events = new EventEmitter().setMaxListeners(0);
  #active = true;
  #version = 0;

  get isActive(): boolean {
    return this.#active;
  }

  get version(): number {
    return this.#version;
  }

  announce(): void {
    this.#version++;
    this.#events.emit('change');
  }

  end(): void {
    this.#active = false;
    this.announce();
  }

  async next(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#version !== seen || signal.aborted) return;
    await once(this.#events, 'change', { signal }).catch(() => undefined); // aborted
  }
}
