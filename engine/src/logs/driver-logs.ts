/** The logs of containers, by the driver that each has chosen. */
import fs from 'node:fs';
import path from 'node:path';
import type { Logger } from '#lib/log/logger';
import { messageOf, StackError } from '#spec/errors';
import type { StdioPaths } from '../containerd/fifo.ts';
import type { ContainerLogs, LogConfig, LogSelection } from '../daemon/container-logs.ts';
import type { Container } from '../daemon/container.ts';
import type { TaskOutput } from '../daemon/output.ts';
import type { EnginePaths } from '../daemon/paths.ts';
import { UnloggedOutput } from '../daemon/unlogged-output.ts';
import type { RotationOptions } from './file-options.ts';
import { FifoReadiness } from './fifo-readiness.ts';
import { ForwardedOutput } from './forwarded-output.ts';
import { logAttributes, logTag } from './log-attributes.ts';
import { LineForwarder } from './line-forwarder.ts';
import { localFormat } from './local-format.ts';
import {
  cacheFile,
  cacheRotation,
  checkLogConfig,
  logDriver,
  logDriverNames,
  readMode,
  type ForwardingDriver,
} from './log-drivers.ts';
import { Growth } from './log-files.ts';
import type { LogEncoder, LogEntry } from './log-format.ts';
import { LoggedOutput } from './logged-output.ts';
import { readLogs } from './read-logs.ts';

export class DriverLogs implements ContainerLogs {
  readonly drivers = logDriverNames;
  readonly #paths: EnginePaths;
  readonly #logger: Logger;
  readonly #readiness = new FifoReadiness();
  /** Growth of the logs that are being written, by container. */
  readonly #growing = new Map<string, Growth>();
  readonly defaults: LogConfig;

  /** `defaults` are for containers that choose nothing. Throws invalid_argument if they cannot be. */
  constructor(paths: EnginePaths, defaults: LogConfig, logger: Logger) {
    checkLogConfig(defaults.Type, defaults.Config);
    this.#paths = paths;
    this.#logger = logger;
    this.defaults = defaults;
  }

  resolve(asked: LogConfig): LogConfig {
    const Type = asked.Type || this.defaults.Type;
    const inherited = Type === this.defaults.Type ? this.defaults.Config : {};
    const resolved = { Type, Config: { ...inherited, ...asked.Config } };
    checkLogConfig(resolved.Type, resolved.Config);
    return resolved;
  }

  async open(container: Container, stdio: StdioPaths): Promise<TaskOutput> {
    const { record, id } = container;
    const { Type: name, Config: options } = record.hostConfig.LogConfig;
    const driver = logDriver(name);
    if (!driver) return new UnloggedOutput(stdio);
    if (driver.kind === 'file') {
      const tag = logTag(options['tag'] ?? '', record);
      const attributes = { ...logAttributes(options, record), ...(tag !== '' && { tag }) };
      return this.#openFile(id, stdio, {
        path: driver.file(this.#paths, id),
        rotation: driver.rotation(options),
        encoder: driver.format.createEncoder(attributes),
      });
    }
    return this.#forward(container, driver, stdio);
  }

  /** To a server, and into a cache unless that is disabled. */
  async #forward(
    { record, id }: Container,
    driver: ForwardingDriver,
    stdio: StdioPaths,
  ): Promise<TaskOutput> {
    const options = record.hostConfig.LogConfig.Config;
    const sink = await driver.connect(options, record).catch((error: unknown) => {
      throw new StackError('internal', `failed to initialize logging driver: ${messageOf(error)}`, {
        cause: error,
      });
    });
    const rotation = cacheRotation(options);
    const inner = rotation
      ? this.#openFile(id, stdio, {
          path: cacheFile(this.#paths, id),
          rotation,
          encoder: localFormat.createEncoder({}),
        })
      : new UnloggedOutput(stdio);
    const forwarder = new LineForwarder({
      sink,
      bufferBytes: readMode(options),
      report: (lost) => {
        this.#logger.warn('log lines were lost', { container: id, driver: driver.name, ...lost });
      },
    });
    return new ForwardedOutput(inner, forwarder);
  }

  path({ record, id }: Container): string {
    const driver = logDriver(record.hostConfig.LogConfig.Type);
    return driver?.kind === 'file' && driver.name === 'json-file'
      ? driver.file(this.#paths, id)
      : '';
  }

  read(
    { record, id }: Container,
    selection: LogSelection,
    signal: AbortSignal,
  ): AsyncIterable<LogEntry[]> {
    const { Type: name, Config: options } = record.hostConfig.LogConfig;
    const driver = logDriver(name);
    const isCached = driver?.kind === 'forwarding' && cacheRotation(options) !== undefined;
    if (driver?.kind !== 'file' && !isCached) {
      throw new StackError('unimplemented', 'configured logging driver does not support reading');
    }
    const file = driver.kind === 'file' ? driver.file(this.#paths, id) : cacheFile(this.#paths, id);
    const format = driver.kind === 'file' ? driver.format : localFormat;
    return readLogs({ path: file, format, growth: this.#growing.get(id) }, selection, signal);
  }

  #openFile(
    id: string,
    stdio: StdioPaths,
    log: { path: string; rotation: RotationOptions; encoder: LogEncoder },
  ): TaskOutput {
    fs.mkdirSync(path.dirname(log.path), { recursive: true, mode: 0o700 });
    const output = new LoggedOutput({
      stdio,
      logPath: log.path,
      rotation: log.rotation,
      encoder: log.encoder,
      readiness: this.#readiness,
      logger: this.#logger,
      onAppend: () => growth.announce(),
    });
    const growth = new Growth(output);
    this.#growing.set(id, growth);
    void output.finished.then(() => {
      growth.end();
      if (this.#growing.get(id) === growth) this.#growing.delete(id);
    });
    return output;
  }
}
