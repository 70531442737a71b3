// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineEnum } from '../message.ts';
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

export type Kind = 'UNKNOWN' | 'VIEW' | 'ACTIVE' | 'COMMITTED';
export const Kind = /* @__PURE__ */ defineEnum('containerd.services.snapshots.v1.Kind', {
  UNKNOWN: 0,
  VIEW: 1,
  ACTIVE: 2,
  COMMITTED: 3,
});

export interface PrepareSnapshotRequest {
  snapshotter: string;
  key: string;
  /** Empty starts with an empty tree. */
  parent: string;
  labels: Record<string, string>;
}
export const PrepareSnapshotRequest = /* @__PURE__ */ defineMessage<PrepareSnapshotRequest>('containerd.services.snapshots.v1.PrepareSnapshotRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'key', 'string'],
  [3, 'parent', 'string'],
  [4, 'labels', 'string', 'map'],
]);

export interface PrepareSnapshotResponse {
  mounts: containerdTypes.Mount[];
}
export const PrepareSnapshotResponse = /* @__PURE__ */ defineMessage<PrepareSnapshotResponse>('containerd.services.snapshots.v1.PrepareSnapshotResponse', () => [
  [1, 'mounts', containerdTypes.Mount, 'repeated'],
]);

export interface ViewSnapshotRequest {
  snapshotter: string;
  key: string;
  parent: string;
  labels: Record<string, string>;
}
export const ViewSnapshotRequest = /* @__PURE__ */ defineMessage<ViewSnapshotRequest>('containerd.services.snapshots.v1.ViewSnapshotRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'key', 'string'],
  [3, 'parent', 'string'],
  [4, 'labels', 'string', 'map'],
]);

export interface ViewSnapshotResponse {
  mounts: containerdTypes.Mount[];
}
export const ViewSnapshotResponse = /* @__PURE__ */ defineMessage<ViewSnapshotResponse>('containerd.services.snapshots.v1.ViewSnapshotResponse', () => [
  [1, 'mounts', containerdTypes.Mount, 'repeated'],
]);

export interface MountsRequest {
  snapshotter: string;
  key: string;
}
export const MountsRequest = /* @__PURE__ */ defineMessage<MountsRequest>('containerd.services.snapshots.v1.MountsRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'key', 'string'],
]);

export interface MountsResponse {
  mounts: containerdTypes.Mount[];
}
export const MountsResponse = /* @__PURE__ */ defineMessage<MountsResponse>('containerd.services.snapshots.v1.MountsResponse', () => [
  [1, 'mounts', containerdTypes.Mount, 'repeated'],
]);

export interface RemoveSnapshotRequest {
  snapshotter: string;
  key: string;
}
export const RemoveSnapshotRequest = /* @__PURE__ */ defineMessage<RemoveSnapshotRequest>('containerd.services.snapshots.v1.RemoveSnapshotRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'key', 'string'],
]);

export interface CommitSnapshotRequest {
  snapshotter: string;
  name: string;
  /** Of the active snapshot; it is gone afterwards. */
  key: string;
  labels: Record<string, string>;
  /** Changes the parent on the way (containerd 2.1 and later). */
  parent: string;
}
export const CommitSnapshotRequest = /* @__PURE__ */ defineMessage<CommitSnapshotRequest>('containerd.services.snapshots.v1.CommitSnapshotRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'name', 'string'],
  [3, 'key', 'string'],
  [4, 'labels', 'string', 'map'],
  [5, 'parent', 'string'],
]);

export interface StatSnapshotRequest {
  snapshotter: string;
  key: string;
}
export const StatSnapshotRequest = /* @__PURE__ */ defineMessage<StatSnapshotRequest>('containerd.services.snapshots.v1.StatSnapshotRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'key', 'string'],
]);

export interface Info {
  name: string;
  parent: string;
  kind: Kind;
  createdAt?: googleProtobuf.Timestamp;
  updatedAt?: googleProtobuf.Timestamp;
  labels: Record<string, string>;
}
export const Info = /* @__PURE__ */ defineMessage<Info>('containerd.services.snapshots.v1.Info', () => [
  [1, 'name', 'string'],
  [2, 'parent', 'string'],
  [3, 'kind', Kind],
  [4, 'createdAt', googleProtobuf.Timestamp],
  [5, 'updatedAt', googleProtobuf.Timestamp],
  [6, 'labels', 'string', 'map'],
]);

export interface StatSnapshotResponse {
  info?: Info;
}
export const StatSnapshotResponse = /* @__PURE__ */ defineMessage<StatSnapshotResponse>('containerd.services.snapshots.v1.StatSnapshotResponse', () => [
  [1, 'info', Info],
]);

export interface UpdateSnapshotRequest {
  snapshotter: string;
  info?: Info;
  /** `labels` or `labels.<key>`; without it all labels are replaced. */
  updateMask?: googleProtobuf.FieldMask;
}
export const UpdateSnapshotRequest = /* @__PURE__ */ defineMessage<UpdateSnapshotRequest>('containerd.services.snapshots.v1.UpdateSnapshotRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'info', Info],
  [3, 'updateMask', googleProtobuf.FieldMask],
]);

export interface UpdateSnapshotResponse {
  info?: Info;
}
export const UpdateSnapshotResponse = /* @__PURE__ */ defineMessage<UpdateSnapshotResponse>('containerd.services.snapshots.v1.UpdateSnapshotResponse', () => [
  [1, 'info', Info],
]);

export interface ListSnapshotsRequest {
  snapshotter: string;
  filters: string[];
}
export const ListSnapshotsRequest = /* @__PURE__ */ defineMessage<ListSnapshotsRequest>('containerd.services.snapshots.v1.ListSnapshotsRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'filters', 'string', 'repeated'],
]);

export interface ListSnapshotsResponse {
  info: Info[];
}
export const ListSnapshotsResponse = /* @__PURE__ */ defineMessage<ListSnapshotsResponse>('containerd.services.snapshots.v1.ListSnapshotsResponse', () => [
  [1, 'info', Info, 'repeated'],
]);

export interface UsageRequest {
  snapshotter: string;
  key: string;
}
export const UsageRequest = /* @__PURE__ */ defineMessage<UsageRequest>('containerd.services.snapshots.v1.UsageRequest', () => [
  [1, 'snapshotter', 'string'],
  [2, 'key', 'string'],
]);

/** Of this snapshot alone, without its parents. */
export interface UsageResponse {
  /** Bytes. */
  size: number;
  inodes: number;
}
export const UsageResponse = /* @__PURE__ */ defineMessage<UsageResponse>('containerd.services.snapshots.v1.UsageResponse', () => [
  [1, 'size', 'int64'],
  [2, 'inodes', 'int64'],
]);

export interface CleanupRequest {
  snapshotter: string;
}
export const CleanupRequest = /* @__PURE__ */ defineMessage<CleanupRequest>('containerd.services.snapshots.v1.CleanupRequest', () => [
  [1, 'snapshotter', 'string'],
]);

/** File trees in layers. An active snapshot is written to and becomes committed under a name of its own;
 * committed ones are the parents of others; views are read only. */
export const SnapshotsService = /* @__PURE__ */ defineService('containerd.services.snapshots.v1.Snapshots', {
  prepare: /* @__PURE__ */ defineMethod('Prepare', 'unary', PrepareSnapshotRequest, PrepareSnapshotResponse),
  view: /* @__PURE__ */ defineMethod('View', 'unary', ViewSnapshotRequest, ViewSnapshotResponse),
  /** The mounts of an active snapshot or a view, as Prepare and View answered them. */
  mounts: /* @__PURE__ */ defineMethod('Mounts', 'unary', MountsRequest, MountsResponse),
  commit: /* @__PURE__ */ defineMethod('Commit', 'unary', CommitSnapshotRequest, googleProtobuf.Empty),
  remove: /* @__PURE__ */ defineMethod('Remove', 'unary', RemoveSnapshotRequest, googleProtobuf.Empty),
  stat: /* @__PURE__ */ defineMethod('Stat', 'unary', StatSnapshotRequest, StatSnapshotResponse),
  update: /* @__PURE__ */ defineMethod('Update', 'unary', UpdateSnapshotRequest, UpdateSnapshotResponse),
  list: /* @__PURE__ */ defineMethod('List', 'server_stream', ListSnapshotsRequest, ListSnapshotsResponse),
  usage: /* @__PURE__ */ defineMethod('Usage', 'unary', UsageRequest, UsageResponse),
  /** Removes from the disk what was removed from the records. */
  cleanup: /* @__PURE__ */ defineMethod('Cleanup', 'unary', CleanupRequest, googleProtobuf.Empty),
});
