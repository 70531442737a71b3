/** What the main thread asks of a worker thread: file system work that blocks for long. */
import type { ErrorKind } from '#spec/errors';

export interface ApplyJob {
  type: 'apply';
  /** File that holds the layer, compressed or not. */
  layer: string;
  /** Directory to unpack into. */
  root: string;
  whiteouts: 'overlay' | 'delete';
  lowerDirectories: readonly string[];
  /** Flush the file system afterwards. */
  sync: boolean;
}

export interface UsageJob {
  type: 'usage';
  directory: string;
}

export interface RemoveJob {
  type: 'remove';
  path: string;
}

/** Takes down whatever is mounted at a path, also several times. */
export interface UnmountJob {
  type: 'unmount';
  target: string;
}

export type Job = ApplyJob | UsageJob | RemoveJob | UnmountJob;

export interface JobResults {
  apply: { diffId: string; sizeBytes: number; warnings: string[] };
  usage: { size: number; inodes: number };
  remove: undefined;
  unmount: undefined;
}

export interface JobMessage {
  id: number;
  job: Job;
}

export type AnswerMessage =
  | { id: number; ok: true; result: JobResults[Job['type']] }
  /** `kind` is missing for what nobody expected. */
  | { id: number; ok: false; message: string; kind: ErrorKind | undefined };
