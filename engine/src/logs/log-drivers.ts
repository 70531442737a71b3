/** The log drivers there are, what options they take, and docker's errors for all others. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import type { ContainerRecord } from '../daemon/container.ts';
import { logFile, type EnginePaths } from '../daemon/paths.ts';
import {
  binarySize,
  isTrue,
  jsonFileRotation,
  localRotation,
  type RotationOptions,
} from './file-options.ts';
import { connectJournal } from './journald.ts';
import { jsonFormat } from './json-format.ts';
import { localFormat } from './local-format.ts';
import { attributeOptions, checkAttributeOptions } from './log-attributes.ts';
import type { LogFormat } from './log-format.ts';
import type { LogSink } from './log-sink.ts';
import { checkSyslogOptions, connectSyslog, syslogOptions } from './syslog.ts';

export type LogOptions = Readonly<Record<string, string>>;

interface Driver {
  readonly name: string;
  readonly options: readonly string[];
  /** Throws invalid_argument for values that cannot be. */
  check(options: LogOptions): void;
}

/** Writes a file that can be read again. */
export interface FileDriver extends Driver {
  readonly kind: 'file';
  readonly format: LogFormat;
  rotation(options: LogOptions): RotationOptions;
  file(paths: EnginePaths, containerId: string): string;
}

/** Sends entries to somebody else, who keeps them. */
export interface ForwardingDriver extends Driver {
  readonly kind: 'forwarding';
  /** Rejects when nobody answers, with what the system said. */
  connect(options: LogOptions, record: ContainerRecord): Promise<LogSink>;
}

/** The cache of a forwarding driver, in the format of `local`. */
export function cacheFile({ containers }: EnginePaths, containerId: string): string {
  return path.join(containers, containerId, 'container-cached.log');
}

export type LogDriver = FileDriver | ForwardingDriver;

const rotationOptions = ['max-size', 'max-file', 'compress'];

/** Of every driver; those that begin with `cache` are for what `logs` reads beside a server's copy. */
const commonOptions = [
  'mode',
  'max-buffer-size',
  'cache-disabled',
  'cache-max-size',
  'cache-max-file',
  'cache-compress',
];

/** In the order of their names, as docker lists them. */
const drivers: readonly LogDriver[] = [
  {
    kind: 'forwarding',
    name: 'journald',
    options: attributeOptions,
    check: () => undefined,
    connect: connectJournal,
  },
  {
    kind: 'file',
    name: 'json-file',
    options: [...rotationOptions, ...attributeOptions],
    check: (options) => void jsonFileRotation(options),
    format: jsonFormat,
    rotation: jsonFileRotation,
    file: logFile,
  },
  {
    kind: 'file',
    name: 'local',
    options: [...rotationOptions, ...attributeOptions],
    check: (options) => void localRotation(options),
    format: localFormat,
    rotation: localRotation,
    file: ({ containers }, id) => path.join(containers, id, 'local-logs', 'container.log'),
  },
  {
    kind: 'forwarding',
    name: 'syslog',
    options: [...syslogOptions, ...attributeOptions],
    check: checkSyslogOptions,
    connect: connectSyslog,
  },
];

/** Their names, without `none`, which is no driver. */
export const logDriverNames: readonly string[] = drivers.map(({ name }) => name);

/** Undefined for `none`. Throws invalid_argument for a name that nobody has. */
export function logDriver(name: string): LogDriver | undefined {
  if (name === 'none') return undefined;
  const driver = drivers.find((candidate) => candidate.name === name);
  if (driver) return driver;
  throw new StackError('invalid_argument', `logger: no log driver named '${name}' is registered`);
}

/** Throws invalid_argument, in docker's words, for a driver or an option that cannot be. */
export function checkLogConfig(name: string, options: LogOptions): void {
  if (name === 'none') return;
  readMode(options);
  const driver = logDriver(name);
  for (const option of Object.keys(options)) {
    if (commonOptions.includes(option)) continue;
    if (!driver?.options.includes(option)) {
      throw new StackError(
        'invalid_argument',
        name === 'local'
          ? `unknown log opt '${option}' for log driver local`
          : `unknown log opt '${option}' for ${name} log driver`,
      );
    }
  }
  checkAttributeOptions(options);
  cacheRotation(options);
  driver?.check(options);
}

/** How large the cache of a forwarding driver may become; undefined when it is disabled. Throws invalid_argument. */
export function cacheRotation(options: LogOptions): RotationOptions | undefined {
  const own = Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => name.startsWith('cache-'))
      .map(([name, value]) => [name.slice('cache-'.length), value]),
  );
  return isTrue(own['disabled'] ?? 'false') ? undefined : localRotation(own);
}

/** How many bytes may wait for a driver that is slow before lines are dropped; undefined holds the container back. */
export function readMode(options: LogOptions): number | undefined {
  const { mode = '', 'max-buffer-size': size } = options;
  if (!['', 'blocking', 'non-blocking'].includes(mode)) {
    throw new StackError('invalid_argument', `logger: logging mode not supported: ${mode}`);
  }
  if (mode !== 'non-blocking') {
    if (size === undefined) return undefined;
    throw new StackError(
      'invalid_argument',
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    );
  }
  if (size === undefined) return 1_000_000;
  try {
    return binarySize(size);
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw new StackError('invalid_argument', `error parsing option max-buffer-size: ${reason}`, {
      cause: error,
    });
  }
}
