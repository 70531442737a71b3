/** Logs of containers as clients read them. */
import { StackError } from '#spec/errors';
import type { StdioPaths } from '../containerd/fifo.ts';
import type { LogsQuery } from '../routes/containers/backend.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import type { OutputStream, TaskOutput } from './output.ts';
import { frame, type ClientStream } from './stream-frames.ts';

/** One line (or part of a long one) that a container wrote. */
export interface LogEntry {
  stream: OutputStream;
  /** RFC 3339 with nanoseconds. */
  time: string;
  /** With its newline, if it had one. */
  line: Buffer;
}

export interface LogSelection {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** Nanoseconds since 1970; undefined is no bound. */
  since: bigint | undefined;
  until: bigint | undefined;
  tail: number | undefined;
}

/** Where output goes and how it is read again. */
export interface ContainerLogs {
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
  if (container.record.hostConfig.LogConfig.Type === 'none') {
    throw new StackError('internal', 'configured logging driver does not support reading');
  }
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
  return encoded(entries, { tty, timestamps: query.timestamps, details: query.details });
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

async function* encoded(
  batches: AsyncIterable<LogEntry[]>,
  { tty, timestamps, details }: { tty: boolean; timestamps: boolean; details: boolean },
): AsyncGenerator<Buffer> {
  // Details are labels and variables that a log option chose; without options there is an empty list.
  const detail = details ? ' ' : '';
  for await (const batch of batches) {
    const pieces: Buffer[] = [];
    for (const { stream, time, line } of batch) {
      const prefix = timestamps ? `${time} ${detail}` : detail;
      const payload = prefix === '' ? line : Buffer.concat([Buffer.from(prefix), line]);
      pieces.push(tty ? payload : frame(stream, payload));
    }
    yield Buffer.concat(pieces);
  }
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
