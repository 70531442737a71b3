/** What happens in the engine, for `docker events`: kept on disk, filtered for whoever asks. */
import type { Logger } from '#lib/log/logger';
import { LogFile } from '../logs/log-file.ts';
import { Growth, LogFiles, readEntries, type LogGrowth } from '../logs/log-files.ts';
import type { LogSource } from '../logs/log-source.ts';

export type EventType =
  'container' | 'image' | 'network' | 'volume' | 'daemon' | 'plugin' | 'builder';

export interface EngineEvent {
  type: EventType;
  /** `start`, `exec_create: sh`, … */
  action: string;
  actorId: string;
  attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970. */
  timeNano: bigint;
}

/** Some 20,000 events of the usual length, of which the newest three quarters are always there. */
const rotation = { maxSizeBytes: 1024 * 1024, maxFiles: 4, compress: false };

/**
 * What happened in the engine, in a file of one JSON object per line, which clients read and follow: a slow one costs
 * no memory, and none misses what came before a restart. What SIGKILL cuts short is passed over.
 */
export class EventLog {
  readonly #path: string;
  readonly #file: LogFile;
  readonly #growth: Growth;
  readonly #logger: Logger;
  readonly #published: () => void;
  #lastNano = 0n;

  /** `path` is the newest file; its folder exists. `published` hears of every event. */
  constructor(path: string, logger: Logger, published: () => void = () => undefined) {
    this.#path = path;
    this.#published = published;
    this.#logger = logger;
    this.#file = new LogFile(path, rotation);
    this.#growth = new Growth(this.#file);
    if (this.#file.size > 0) this.#file.append(Buffer.from('\n')); // after a line that may have no end
  }

  publish(
    type: EventType,
    action: string,
    actorId: string,
    attributes: Readonly<Record<string, string>> = {},
  ): void {
    // No two at the same time, so that whoever comes back can go on after the last one it has seen.
    const now = nanosecondsNow();
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1n;
    const time = this.#lastNano.toString();
    const event = { type, action, id: actorId, attributes: inOrder(attributes), time };
    const line = `${JSON.stringify(event)}\n`;
    try {
      if (this.#file.isFull) this.#file.rotate();
      this.#file.append(Buffer.from(line));
    } catch (error) {
      this.#logger.error('cannot write an event', { type, action, actorId, error }); // what it tells of has happened
    }
    this.#growth.announce();
    this.#published();
  }

  /**
   * Events from `since` (nanoseconds; undefined is now) to `until` (undefined is for ever), past ones and those that
   * come, several at once. Ends when `signal` aborts.
   */
  async *read(
    since: bigint | undefined,
    until: bigint | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent[]> {
    const files = new LogFiles(this.#path, limited(this.#growth, until));
    const newest = files.opened.length - 1;
    try {
      const start =
        since === undefined
          ? { file: newest, offset: this.#file.size }
          : { file: firstNeeded(files.opened, since), offset: 0 };
      for await (const events of readEntries(files, decodeEvents, start, signal)) {
        const wanted = events.filter(
          ({ timeNano }) =>
            (since === undefined || timeNano >= since) &&
            (until === undefined || timeNano <= until),
        );
        if (wanted.length > 0) yield wanted;
      }
    } finally {
      await files.close();
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** By their names, as Go prints maps. */
function inOrder(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Growth that nobody waits for after `until`. */
function limited(growth: Growth, until: bigint | undefined): LogGrowth {
  if (until === undefined) return growth;
  const remainingMs = (): number => Number(until / 1_000_000n) + 1 - Date.now();
  return {
    get isActive() {
      return remainingMs() > 0;
    },
    get version() {
      return growth.version;
    },
    get rotations() {
      return growth.rotations;
    },
    next: (seen, signal) => {
      // The longest time a timer can hold; then it is asked again.
      const expired = AbortSignal.timeout(Math.min(Math.max(0, remainingMs()), 0x7fff_ffff));
      return growth.next(seen, AbortSignal.any([signal, expired]));
    },
  };
}

/** Files that were last written before `since` hold nothing that is wanted. */
function firstNeeded(files: readonly LogSource[], since: bigint): number {
  const sinceMs = Number(since / 1_000_000n);
  const first = files.findIndex(({ lastWrittenMs }) => lastWrittenMs + 1000 >= sinceMs);
  return first < 0 ? files.length - 1 : first;
}

function decodeEvents(block: Buffer): { entries: EngineEvent[]; length: number } {
  const length = block.lastIndexOf(0x0a) + 1;
  const lines = block.toString('utf8', 0, length).split('\n');
  return { entries: lines.flatMap((line) => parseEvent(line) ?? []), length };
}

/** Undefined for what is no event: a write that SIGKILL or the machine's end cut short. */
function parseEvent(line: string): EngineEvent | undefined {
  if (line === '') return undefined;
  try {
    const { type, action, id, attributes, time } = JSON.parse(line) as {
      type: EventType;
      action: string;
      id: string;
      attributes: Record<string, string>;
      time: string;
    }; // written by nobody but publish()
    return { type, action, actorId: id, attributes, timeNano: BigInt(time) };
  } catch {
    return undefined;
  }
}

function nanosecondsNow(): bigint {
  // Date follows the clock where somebody sets it, performance does not.
  return BigInt(Date.now()) * 1_000_000n;
}
