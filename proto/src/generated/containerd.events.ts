// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

/** Topic /containers/create */
export interface ContainerCreate {
  id: string;
  image: string;
  runtime?: ContainerCreateRuntime;
}
export const ContainerCreate = /* @__PURE__ */ defineMessage<ContainerCreate>('containerd.events.ContainerCreate', () => [
  [1, 'id', 'string'],
  [2, 'image', 'string'],
  [3, 'runtime', ContainerCreateRuntime],
]);

export interface ContainerCreateRuntime {
  name: string;
  options?: googleProtobuf.Any;
}
export const ContainerCreateRuntime = /* @__PURE__ */ defineMessage<ContainerCreateRuntime>('containerd.events.ContainerCreate.Runtime', () => [
  [1, 'name', 'string'],
  [2, 'options', googleProtobuf.Any],
]);

/** Topic /containers/update */
export interface ContainerUpdate {
  id: string;
  image: string;
  labels: Record<string, string>;
  snapshotKey: string;
}
export const ContainerUpdate = /* @__PURE__ */ defineMessage<ContainerUpdate>('containerd.events.ContainerUpdate', () => [
  [1, 'id', 'string'],
  [2, 'image', 'string'],
  [3, 'labels', 'string', 'map'],
  [4, 'snapshotKey', 'string'],
]);

/** Topic /containers/delete */
export interface ContainerDelete {
  id: string;
}
export const ContainerDelete = /* @__PURE__ */ defineMessage<ContainerDelete>('containerd.events.ContainerDelete', () => [
  [1, 'id', 'string'],
]);

/** Topic /content/create */
export interface ContentCreate {
  digest: string;
  size: number;
}
export const ContentCreate = /* @__PURE__ */ defineMessage<ContentCreate>('containerd.events.ContentCreate', () => [
  [1, 'digest', 'string'],
  [2, 'size', 'int64'],
]);

/** Topic /content/delete */
export interface ContentDelete {
  digest: string;
}
export const ContentDelete = /* @__PURE__ */ defineMessage<ContentDelete>('containerd.events.ContentDelete', () => [
  [1, 'digest', 'string'],
]);

/** Topic /namespaces/create */
export interface NamespaceCreate {
  name: string;
  labels: Record<string, string>;
}
export const NamespaceCreate = /* @__PURE__ */ defineMessage<NamespaceCreate>('containerd.events.NamespaceCreate', () => [
  [1, 'name', 'string'],
  [2, 'labels', 'string', 'map'],
]);

/** Topic /namespaces/update */
export interface NamespaceUpdate {
  name: string;
  labels: Record<string, string>;
}
export const NamespaceUpdate = /* @__PURE__ */ defineMessage<NamespaceUpdate>('containerd.events.NamespaceUpdate', () => [
  [1, 'name', 'string'],
  [2, 'labels', 'string', 'map'],
]);

/** Topic /namespaces/delete */
export interface NamespaceDelete {
  name: string;
}
export const NamespaceDelete = /* @__PURE__ */ defineMessage<NamespaceDelete>('containerd.events.NamespaceDelete', () => [
  [1, 'name', 'string'],
]);

/** Topic /snapshot/prepare */
export interface SnapshotPrepare {
  key: string;
  parent: string;
  snapshotter: string;
}
export const SnapshotPrepare = /* @__PURE__ */ defineMessage<SnapshotPrepare>('containerd.events.SnapshotPrepare', () => [
  [1, 'key', 'string'],
  [2, 'parent', 'string'],
  [5, 'snapshotter', 'string'],
]);

/** Topic /snapshot/commit */
export interface SnapshotCommit {
  key: string;
  name: string;
  snapshotter: string;
}
export const SnapshotCommit = /* @__PURE__ */ defineMessage<SnapshotCommit>('containerd.events.SnapshotCommit', () => [
  [1, 'key', 'string'],
  [2, 'name', 'string'],
  [5, 'snapshotter', 'string'],
]);

/** Topic /snapshot/remove */
export interface SnapshotRemove {
  key: string;
  snapshotter: string;
}
export const SnapshotRemove = /* @__PURE__ */ defineMessage<SnapshotRemove>('containerd.events.SnapshotRemove', () => [
  [1, 'key', 'string'],
  [5, 'snapshotter', 'string'],
]);

/** Topic /tasks/create */
export interface TaskCreate {
  containerId: string;
  bundle: string;
  rootfs: containerdTypes.Mount[];
  io?: TaskIO;
  checkpoint: string;
  pid: number;
}
export const TaskCreate = /* @__PURE__ */ defineMessage<TaskCreate>('containerd.events.TaskCreate', () => [
  [1, 'containerId', 'string'],
  [2, 'bundle', 'string'],
  [3, 'rootfs', containerdTypes.Mount, 'repeated'],
  [4, 'io', TaskIO],
  [5, 'checkpoint', 'string'],
  [6, 'pid', 'uint32'],
]);

/** Topic /tasks/start */
export interface TaskStart {
  containerId: string;
  pid: number;
}
export const TaskStart = /* @__PURE__ */ defineMessage<TaskStart>('containerd.events.TaskStart', () => [
  [1, 'containerId', 'string'],
  [2, 'pid', 'uint32'],
]);

/** Topic /tasks/delete, for tasks and for execs. */
export interface TaskDelete {
  containerId: string;
  pid: number;
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
  /** Exec id; empty (or the container id) for the task. */
  id: string;
}
export const TaskDelete = /* @__PURE__ */ defineMessage<TaskDelete>('containerd.events.TaskDelete', () => [
  [1, 'containerId', 'string'],
  [2, 'pid', 'uint32'],
  [3, 'exitStatus', 'uint32'],
  [4, 'exitedAt', googleProtobuf.Timestamp],
  [5, 'id', 'string'],
]);

export interface TaskIO {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}
export const TaskIO = /* @__PURE__ */ defineMessage<TaskIO>('containerd.events.TaskIO', () => [
  [1, 'stdin', 'string'],
  [2, 'stdout', 'string'],
  [3, 'stderr', 'string'],
  [4, 'terminal', 'bool'],
]);

/** Topic /tasks/exit, for tasks and for execs. */
export interface TaskExit {
  containerId: string;
  /** Exec id, or the container id for the task. */
  id: string;
  pid: number;
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
}
export const TaskExit = /* @__PURE__ */ defineMessage<TaskExit>('containerd.events.TaskExit', () => [
  [1, 'containerId', 'string'],
  [2, 'id', 'string'],
  [3, 'pid', 'uint32'],
  [4, 'exitStatus', 'uint32'],
  [5, 'exitedAt', googleProtobuf.Timestamp],
]);

/** Topic /tasks/oom */
export interface TaskOOM {
  containerId: string;
}
export const TaskOOM = /* @__PURE__ */ defineMessage<TaskOOM>('containerd.events.TaskOOM', () => [
  [1, 'containerId', 'string'],
]);

/** Topic /tasks/exec-added */
export interface TaskExecAdded {
  containerId: string;
  execId: string;
}
export const TaskExecAdded = /* @__PURE__ */ defineMessage<TaskExecAdded>('containerd.events.TaskExecAdded', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
]);

/** Topic /tasks/exec-started */
export interface TaskExecStarted {
  containerId: string;
  execId: string;
  pid: number;
}
export const TaskExecStarted = /* @__PURE__ */ defineMessage<TaskExecStarted>('containerd.events.TaskExecStarted', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
  [3, 'pid', 'uint32'],
]);

/** Topic /tasks/paused */
export interface TaskPaused {
  containerId: string;
}
export const TaskPaused = /* @__PURE__ */ defineMessage<TaskPaused>('containerd.events.TaskPaused', () => [
  [1, 'containerId', 'string'],
]);

/** Topic /tasks/resumed */
export interface TaskResumed {
  containerId: string;
}
export const TaskResumed = /* @__PURE__ */ defineMessage<TaskResumed>('containerd.events.TaskResumed', () => [
  [1, 'containerId', 'string'],
]);

/** Topic /tasks/checkpointed */
export interface TaskCheckpointed {
  containerId: string;
  checkpoint: string;
}
export const TaskCheckpointed = /* @__PURE__ */ defineMessage<TaskCheckpointed>('containerd.events.TaskCheckpointed', () => [
  [1, 'containerId', 'string'],
  [2, 'checkpoint', 'string'],
]);
