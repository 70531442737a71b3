/** Logs of containers as clients read them. */
import { StackError } from '#spec/errors';
import type { StdioPaths } from '../containerd/fifo.ts';
import type { LogEntry } from '../logs/log-format.ts';
import type { LogsQuery } from '../routes/containers/backend.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import type { TaskOutput } from './output.ts';
import { encodedEntries } from './encoded-entries.ts';
import type { ClientStream } from './stream-frames.ts';

export interface LogSelection {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** Nanoseconds since 1970; undefined is no bound. */
  since: bigint | undefined;
  until: bigint | undefined;
  tail: number | undefined;
}

/** The choice of a container, as HostConfig has it. */
export interface LogConfig {
  Type: string;
  Config: Record<string, string>;
}

/** Where output goes and how it is read again. */
export interface ContainerLogs {
  /** Names of the drivers that there are. */
  readonly drivers: readonly string[];
  /** What containers get that choose nothing. */
  readonly defaults: LogConfig;
  /** What a container gets that asks for this. Throws invalid_argument, in docker's words, for what cannot be. */
  resolve(asked: LogConfig): LogConfig;
  /** The log's file, for drivers whose file others read; else empty. */
  path(container: Container): string;
  /**
   * Opens the reading side of a task's output for the container's log driver; what an earlier run of the engine has
   * left half-done is finished first.
   */
  open(container: Container, stdio: StdioPaths): Promise<TaskOutput>;
  /** Entries in order, several at once. Following ends with the container's task. Throws unimplemented for a driver that cannot. */
  read(
    container: Container,
    selection: LogSelection,
    signal: AbortSignal,
  ): AsyncIterable<LogEntry[]>;
}

/** The body of `GET …/logs`, piece by piece. */
export async function readContainerLogs(
  engine: Engine,
  container: Container,
  query: LogsQuery,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  const { Tty: tty } = container.record.config;
  const selection: LogSelection = {
    stdout: query.stdout,
    stderr: query.stderr,
    follow: query.follow,
    since: parseLogTime('since', query.since),
    until: parseLogTime('until', query.until),
    tail: query.tail,
  };
  const entries = engine.logs.read(container, selection, signal);
  return encodedEntries(entries, { ...query, tty });
}

/** What `attach` with logs=1 sends before the live output: the log so far, without times. */
export async function replayOf(
  engine: Engine,
  container: Container,
  { stdout, stderr }: { stdout: boolean; stderr: boolean },
): Promise<(client: ClientStream) => Promise<void>> {
  const everything = {
    stdout,
    stderr,
    follow: false,
    since: undefined,
    until: undefined,
    tail: undefined,
  };
  return async (client) => {
    const entries = engine.logs.read(container, everything, new AbortController().signal);
    for await (const batch of entries) {
      for (const { stream, line } of batch) await client.write(stream, line);
    }
  };
}

/** `1700000000` or `1700000000.123456789` as nanoseconds; empty, and 0, are no bound. Throws invalid_argument. */
export function parseLogTime(name: string, text: string): bigint | undefined {
  if (text === '' || text === '0') return undefined;
  const [, sign, seconds, fraction = ''] = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds === undefined) {
    throw new StackError('invalid_argument', `invalid value for "${name}": "${text}"`);
  }
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -nanoseconds : nanoseconds;
}
