/** What the main thread asks of a worker thread: file system work that blocks for long. */
import type { MountSpecification } from '#lib/mounts/mount-with-options';
import type { PackedLayer, PackOptions } from '#lib/pack/pack-layer';
import type { LayerLimits } from '#lib/unpack/limits';
import type { ErrorKind } from '#spec/errors';
import type { GrowingFile } from './growing-file.ts';

export interface ApplyJob {
  type: 'apply';
  /** File that holds the layer, compressed or not: its path, or one that is still being written. */
  layer: string | GrowingFile;
  /** What to unpack into. */
  mounts: readonly MountSpecification[];
  /** Flush the file system afterwards. */
  sync: boolean;
}

export interface DiffJob extends Pick<PackOptions, 'compression' | 'latestTime'> {
  type: 'diff';
  left: readonly MountSpecification[];
  right: readonly MountSpecification[];
  /** File that gets the layer; what it held is gone. */
  file: string;
}

export interface UsageJob {
  type: 'usage';
  directory: string;
  /** A tree whose unchanged files do not count. */
  base: string | undefined;
}

/** Makes a subvolume of btrfs: empty, or as a snapshot of `source`. */
export interface CreateSubvolumeJob {
  type: 'create subvolume';
  target: string;
  source: string | undefined;
  readOnly: boolean;
}

/** Removes a subvolume, and nothing if there is none. */
export interface DestroySubvolumeJob {
  type: 'destroy subvolume';
  target: string;
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

export type Job =
  ApplyJob | DiffJob | UsageJob | RemoveJob | UnmountJob | CreateSubvolumeJob | DestroySubvolumeJob;

export interface JobResults {
  apply: { diffId: string; sizeBytes: number; warnings: string[] };
  diff: PackedLayer;
  usage: { size: number; inodes: number };
  remove: undefined;
  unmount: undefined;
  'create subvolume': undefined;
  'destroy subvolume': undefined;
}

export interface JobMessage {
  id: number;
  job: Job;
}

export type AnswerMessage = {
  id: number;
  /** The thread has mounts of its own and ends with them. */
  ends: boolean;
} & Outcome;

export type Outcome =
  | { ok: true; result: JobResults[Job['type']] }
  /** `kind` is missing for what nobody expected. */
  | { ok: false; message: string; kind: ErrorKind | undefined };

/** What every thread is told at its start (`workerData`). */
export interface WorkerSettings {
  /** Folder for empty directories to mount on. Every thread has mounts of its own there. */
  scratch: string;
  /** Bounds of what one layer may unpack to. */
  limits?: Partial<LayerLimits>;
}
