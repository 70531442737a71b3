/**
 * Logs of the daemons: one JSON object per line, `level`, `msg`, `time` first, as runc and containerd write them, or
 * the same as text. The runtime writes the same records through its own few lines, because loading winston costs more than its work.
 */
import winston from 'winston';
import { textRecord } from './text-record.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Extra fields of a record: ids, paths, durations in milliseconds (`…Ms`). */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every record. */
  child(fields: LogFields): Logger;
}

export type LogFormat = 'json' | 'text';

/** A logger that decides for itself and its children what is important enough. */
export interface RootLogger extends Logger {
  setLevel(level: LogLevel): void;
}

/** A logger on stderr. `component` names the part of the stack (`engined`, `containerd-lite`, …). */
export function createLogger(
  component: string,
  level: LogLevel = 'info',
  logFormat: LogFormat = 'json',
): RootLogger {
  let threshold = level;
  const levels = Object.fromEntries([...logLevels].reverse().map((name, index) => [name, index]));
  const backend = winston.createLogger({
    levels,
    level,
    format: winston.format.printf(({ level, message, ...fields }) => {
      const head = { level: level === 'warn' ? 'warning' : level, msg: message };
      const time = new Date().toISOString();
      return logFormat === 'json'
        ? JSON.stringify({ ...head, time, ...fields }, errorsAsText)
        : textRecord({ time, ...head, ...fields }, errorsAsText);
    }),
    transports: [new winston.transports.Stream({ stream: process.stderr })],
  });
  return {
    ...wrap(backend.child({ component }), (wanted) => isAtLeast(wanted, threshold)),
    setLevel: (chosen) => {
      threshold = chosen;
      backend.level = chosen;
    },
  };
}

function isAtLeast(level: LogLevel, threshold: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(threshold);
}

/** A logger that drops everything, for tests and for parts used without a daemon. */
export const silentLogger: Logger = {
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLogger,
};

function ignore(): void {
  // a silent logger writes nothing
}

/** winston makes text of every record and then looks whether it is wanted: each call makes one for debugging. */
function wrap(backend: winston.Logger, isWanted: (level: LogLevel) => boolean): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (isWanted(level)) backend.log(level, message, fields);
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(backend.child(fields), isWanted),
  };
}

/** Errors become their stack (bugs) or message (expected), so that they do not print as `{}`. */
function errorsAsText(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return 'kind' in value ? value.message : (value.stack ?? value.message);
}
