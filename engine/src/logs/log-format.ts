/** How entries of a log are written to its file and found in it again. One implementation per file driver. */
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { OutputStream } from '../daemon/output.ts';

/** Labels, variables and the tag that log options attach to each entry. */
export type LogAttributes = Readonly<Record<string, string>>;

/** One line (or part of a long one) that a container wrote. */
export interface LogEntry {
  readonly stream: OutputStream;
  /** Nanoseconds since 1970. */
  readonly timeNano: bigint;
  /** With its newline, if it had one. */
  readonly line: Buffer;
  readonly attributes: LogAttributes | undefined;
  readonly lineLength: number;
  /** Copies `line` to `at`, and makes no buffer for that; returns its length. */
  copyLine(target: Buffer, at: number): number;
}

export interface EncodedEntries {
  entries: Buffer;
  /** Two numbers for each entry: where it ends in the output, and where in `entries`. */
  ends: readonly number[] | Int32Array;
}

export interface LogEncoder {
  /**
   * Entries for `bytes`, which end with a line or a piece of a long one (see `output-lines.ts`). The result is
   * overwritten by the next call.
   */
  encode(bytes: Buffer, stream: OutputStream, time: Timestamp): EncodedEntries;
}

export interface DecodedBlock {
  entries: LogEntry[];
  /** Bytes that the entries took; what follows is the beginning of one. */
  length: number;
}

/** Fills a block from a position on, and returns how many bytes there were. */
export interface ReadableFile {
  read(block: Buffer, position: number): Promise<number>;
}

export interface TailPosition {
  /** How many entries follow `offset`. */
  found: number;
  offset: number;
}

export interface LogFormat {
  createEncoder(attributes: LogAttributes): LogEncoder;
  /** The entries at the start of `block`, which they go on to use. What is no entry is passed over. */
  decode(block: Buffer): DecodedBlock;
  /** Where the last `wanted` entries (at least one) of the first `size` bytes of `file` begin, found from the end. */
  tail(file: ReadableFile, size: number, wanted: number): Promise<TailPosition>;
}
