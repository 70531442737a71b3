// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as containerdV1Types from './containerd.v1.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface CreateTaskRequest {
  id: string;
  /** Folder with config.json. */
  bundle: string;
  /** To be mounted on <bundle>/rootfs, in this order. */
  rootfs: containerdTypes.Mount[];
  terminal: boolean;
  /** FIFOs, or URIs of a logger; empty means /dev/null. */
  stdin: string;
  stdout: string;
  stderr: string;
  /** Folder to restore from. */
  checkpoint: string;
  parentCheckpoint: string;
  /** containerd.runc.v1.Options. */
  options?: googleProtobuf.Any;
}
export const CreateTaskRequest = /* @__PURE__ */ defineMessage<CreateTaskRequest>('containerd.task.v2.CreateTaskRequest', () => [
  [1, 'id', 'string'],
  [2, 'bundle', 'string'],
  [3, 'rootfs', containerdTypes.Mount, 'repeated'],
  [4, 'terminal', 'bool'],
  [5, 'stdin', 'string'],
  [6, 'stdout', 'string'],
  [7, 'stderr', 'string'],
  [8, 'checkpoint', 'string'],
  [9, 'parentCheckpoint', 'string'],
  [10, 'options', googleProtobuf.Any],
]);

export interface CreateTaskResponse {
  pid: number;
}
export const CreateTaskResponse = /* @__PURE__ */ defineMessage<CreateTaskResponse>('containerd.task.v2.CreateTaskResponse', () => [
  [1, 'pid', 'uint32'],
]);

export interface DeleteRequest {
  id: string;
  execId: string;
}
export const DeleteRequest = /* @__PURE__ */ defineMessage<DeleteRequest>('containerd.task.v2.DeleteRequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
]);

/** Also what `shim delete` prints. */
export interface DeleteResponse {
  pid: number;
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
}
export const DeleteResponse = /* @__PURE__ */ defineMessage<DeleteResponse>('containerd.task.v2.DeleteResponse', () => [
  [1, 'pid', 'uint32'],
  [2, 'exitStatus', 'uint32'],
  [3, 'exitedAt', googleProtobuf.Timestamp],
]);

export interface ExecProcessRequest {
  id: string;
  execId: string;
  terminal: boolean;
  stdin: string;
  stdout: string;
  stderr: string;
  /** An OCI process as JSON. */
  spec?: googleProtobuf.Any;
}
export const ExecProcessRequest = /* @__PURE__ */ defineMessage<ExecProcessRequest>('containerd.task.v2.ExecProcessRequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
  [3, 'terminal', 'bool'],
  [4, 'stdin', 'string'],
  [5, 'stdout', 'string'],
  [6, 'stderr', 'string'],
  [7, 'spec', googleProtobuf.Any],
]);

export type ExecProcessResponse = Record<never, never>;
export const ExecProcessResponse = /* @__PURE__ */ defineMessage<ExecProcessResponse>('containerd.task.v2.ExecProcessResponse', () => []);

/** Columns and rows. */
export interface ResizePtyRequest {
  id: string;
  execId: string;
  width: number;
  height: number;
}
export const ResizePtyRequest = /* @__PURE__ */ defineMessage<ResizePtyRequest>('containerd.task.v2.ResizePtyRequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
  [3, 'width', 'uint32'],
  [4, 'height', 'uint32'],
]);

export interface StateRequest {
  id: string;
  execId: string;
}
export const StateRequest = /* @__PURE__ */ defineMessage<StateRequest>('containerd.task.v2.StateRequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
]);

export interface StateResponse {
  id: string;
  bundle: string;
  pid: number;
  status: containerdV1Types.Status;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
  execId: string;
}
export const StateResponse = /* @__PURE__ */ defineMessage<StateResponse>('containerd.task.v2.StateResponse', () => [
  [1, 'id', 'string'],
  [2, 'bundle', 'string'],
  [3, 'pid', 'uint32'],
  [4, 'status', containerdV1Types.Status],
  [5, 'stdin', 'string'],
  [6, 'stdout', 'string'],
  [7, 'stderr', 'string'],
  [8, 'terminal', 'bool'],
  [9, 'exitStatus', 'uint32'],
  [10, 'exitedAt', googleProtobuf.Timestamp],
  [11, 'execId', 'string'],
]);

export interface KillRequest {
  id: string;
  execId: string;
  signal: number;
  /** Every process of the container. */
  all: boolean;
}
export const KillRequest = /* @__PURE__ */ defineMessage<KillRequest>('containerd.task.v2.KillRequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
  [3, 'signal', 'uint32'],
  [4, 'all', 'bool'],
]);

export interface CloseIORequest {
  id: string;
  execId: string;
  stdin: boolean;
}
export const CloseIORequest = /* @__PURE__ */ defineMessage<CloseIORequest>('containerd.task.v2.CloseIORequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
  [3, 'stdin', 'bool'],
]);

export interface PidsRequest {
  id: string;
}
export const PidsRequest = /* @__PURE__ */ defineMessage<PidsRequest>('containerd.task.v2.PidsRequest', () => [
  [1, 'id', 'string'],
]);

export interface PidsResponse {
  processes: containerdV1Types.ProcessInfo[];
}
export const PidsResponse = /* @__PURE__ */ defineMessage<PidsResponse>('containerd.task.v2.PidsResponse', () => [
  [1, 'processes', containerdV1Types.ProcessInfo, 'repeated'],
]);

export interface CheckpointTaskRequest {
  id: string;
  path: string;
  /** containerd.runc.v1.CheckpointOptions. */
  options?: googleProtobuf.Any;
}
export const CheckpointTaskRequest = /* @__PURE__ */ defineMessage<CheckpointTaskRequest>('containerd.task.v2.CheckpointTaskRequest', () => [
  [1, 'id', 'string'],
  [2, 'path', 'string'],
  [3, 'options', googleProtobuf.Any],
]);

export interface UpdateTaskRequest {
  id: string;
  /** OCI linux.resources as JSON. */
  resources?: googleProtobuf.Any;
  annotations: Record<string, string>;
}
export const UpdateTaskRequest = /* @__PURE__ */ defineMessage<UpdateTaskRequest>('containerd.task.v2.UpdateTaskRequest', () => [
  [1, 'id', 'string'],
  [2, 'resources', googleProtobuf.Any],
  [3, 'annotations', 'string', 'map'],
]);

export interface StartRequest {
  id: string;
  execId: string;
}
export const StartRequest = /* @__PURE__ */ defineMessage<StartRequest>('containerd.task.v2.StartRequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
]);

export interface StartResponse {
  pid: number;
}
export const StartResponse = /* @__PURE__ */ defineMessage<StartResponse>('containerd.task.v2.StartResponse', () => [
  [1, 'pid', 'uint32'],
]);

export interface WaitRequest {
  id: string;
  execId: string;
}
export const WaitRequest = /* @__PURE__ */ defineMessage<WaitRequest>('containerd.task.v2.WaitRequest', () => [
  [1, 'id', 'string'],
  [2, 'execId', 'string'],
]);

export interface WaitResponse {
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
}
export const WaitResponse = /* @__PURE__ */ defineMessage<WaitResponse>('containerd.task.v2.WaitResponse', () => [
  [1, 'exitStatus', 'uint32'],
  [2, 'exitedAt', googleProtobuf.Timestamp],
]);

export interface StatsRequest {
  id: string;
}
export const StatsRequest = /* @__PURE__ */ defineMessage<StatsRequest>('containerd.task.v2.StatsRequest', () => [
  [1, 'id', 'string'],
]);

export interface StatsResponse {
  /** io.containerd.cgroups.v1.Metrics or io.containerd.cgroups.v2.Metrics. */
  stats?: googleProtobuf.Any;
}
export const StatsResponse = /* @__PURE__ */ defineMessage<StatsResponse>('containerd.task.v2.StatsResponse', () => [
  [1, 'stats', googleProtobuf.Any],
]);

export interface ConnectRequest {
  id: string;
}
export const ConnectRequest = /* @__PURE__ */ defineMessage<ConnectRequest>('containerd.task.v2.ConnectRequest', () => [
  [1, 'id', 'string'],
]);

export interface ConnectResponse {
  shimPid: number;
  taskPid: number;
  version: string;
}
export const ConnectResponse = /* @__PURE__ */ defineMessage<ConnectResponse>('containerd.task.v2.ConnectResponse', () => [
  [1, 'shimPid', 'uint32'],
  [2, 'taskPid', 'uint32'],
  [3, 'version', 'string'],
]);

export interface ShutdownRequest {
  id: string;
  now: boolean;
}
export const ShutdownRequest = /* @__PURE__ */ defineMessage<ShutdownRequest>('containerd.task.v2.ShutdownRequest', () => [
  [1, 'id', 'string'],
  [2, 'now', 'bool'],
]);

export interface PauseRequest {
  id: string;
}
export const PauseRequest = /* @__PURE__ */ defineMessage<PauseRequest>('containerd.task.v2.PauseRequest', () => [
  [1, 'id', 'string'],
]);

export interface ResumeRequest {
  id: string;
}
export const ResumeRequest = /* @__PURE__ */ defineMessage<ResumeRequest>('containerd.task.v2.ResumeRequest', () => [
  [1, 'id', 'string'],
]);

/** What a shim serves over ttrpc (v3 also over gRPC). Versions 2 and 3 differ in nothing but the package name.
 * An empty exec_id means the task itself. */
export const TaskService = /* @__PURE__ */ defineService('containerd.task.v2.Task', {
  state: /* @__PURE__ */ defineMethod('State', 'unary', StateRequest, StateResponse),
  /** Mounts the rootfs and creates the container; its process waits for Start. */
  create: /* @__PURE__ */ defineMethod('Create', 'unary', CreateTaskRequest, CreateTaskResponse),
  /** Starts the task, or an exec that was added. */
  start: /* @__PURE__ */ defineMethod('Start', 'unary', StartRequest, StartResponse),
  /** Removes a stopped task or exec and says how it ended. */
  delete: /* @__PURE__ */ defineMethod('Delete', 'unary', DeleteRequest, DeleteResponse),
  pids: /* @__PURE__ */ defineMethod('Pids', 'unary', PidsRequest, PidsResponse),
  pause: /* @__PURE__ */ defineMethod('Pause', 'unary', PauseRequest, googleProtobuf.Empty),
  resume: /* @__PURE__ */ defineMethod('Resume', 'unary', ResumeRequest, googleProtobuf.Empty),
  checkpoint: /* @__PURE__ */ defineMethod('Checkpoint', 'unary', CheckpointTaskRequest, googleProtobuf.Empty),
  kill: /* @__PURE__ */ defineMethod('Kill', 'unary', KillRequest, googleProtobuf.Empty),
  /** Adds a process; Start starts it. */
  exec: /* @__PURE__ */ defineMethod('Exec', 'unary', ExecProcessRequest, googleProtobuf.Empty),
  resizePty: /* @__PURE__ */ defineMethod('ResizePty', 'unary', ResizePtyRequest, googleProtobuf.Empty),
  closeIO: /* @__PURE__ */ defineMethod('CloseIO', 'unary', CloseIORequest, googleProtobuf.Empty),
  update: /* @__PURE__ */ defineMethod('Update', 'unary', UpdateTaskRequest, googleProtobuf.Empty),
  /** Answers when the process has ended, at once if it already has. */
  wait: /* @__PURE__ */ defineMethod('Wait', 'unary', WaitRequest, WaitResponse),
  stats: /* @__PURE__ */ defineMethod('Stats', 'unary', StatsRequest, StatsResponse),
  connect: /* @__PURE__ */ defineMethod('Connect', 'unary', ConnectRequest, ConnectResponse),
  /** The shim ends, unless it still holds a container. */
  shutdown: /* @__PURE__ */ defineMethod('Shutdown', 'unary', ShutdownRequest, googleProtobuf.Empty),
});
