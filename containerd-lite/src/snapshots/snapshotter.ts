/**
 * What makes one kind of snapshot different from another: how trees lie on disk and how they are mounted. Names,
 * parents, kinds and labels are the same for all kinds and belong to SnapshotStore.
 */
import type { Mount } from '#proto/generated/containerd.types';

/** A snapshot on disk. Ids are given once and never again. */
export interface SnapshotLocation {
  id: number;
  /** Committed snapshots below it, the nearest first. */
  parentIds: readonly number[];
  readOnly: boolean;
}

export interface SnapshotUsage {
  /** Bytes on disk. */
  size: number;
  inodes: number;
}

export interface Snapshotter {
  /** As clients name it: `overlayfs`. */
  readonly name: string;
  /** Makes the folder of a snapshot that does not exist yet; it is complete when this resolves. */
  create(location: SnapshotLocation): Promise<void>;
  /** How to mount it: for the one who mounts, nothing is mounted here. */
  mounts(location: SnapshotLocation): Mount[];
  /** What this snapshot itself takes, without its parents. */
  usage(location: SnapshotLocation): Promise<SnapshotUsage>;
  /** Removes it from disk. Nothing happens where it is not there. */
  remove(id: number): Promise<void>;
  /** All that lie on disk, complete or not. */
  ids(): Promise<number[]>;
}
