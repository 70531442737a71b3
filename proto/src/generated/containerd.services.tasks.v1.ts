// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as containerdV1Types from './containerd.v1.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface CreateTaskRequest {
  containerId: string;
  /** Mounts of the rootfs, usually what Snapshots.Mounts answered. */
  rootfs: containerdTypes.Mount[];
  /** FIFOs that the client made, or URIs of a logger. */
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  checkpoint?: containerdTypes.Descriptor;
  /** Wins over the options in the container's record. */
  options?: googleProtobuf.Any;
  runtimePath: string;
  /** Of a shim that already runs, with its version (sandboxes). */
  taskApiAddress: string;
  taskApiVersion: number;
}
export const CreateTaskRequest = /* @__PURE__ */ defineMessage<CreateTaskRequest>('containerd.services.tasks.v1.CreateTaskRequest', () => [
  [1, 'containerId', 'string'],
  [3, 'rootfs', containerdTypes.Mount, 'repeated'],
  [4, 'stdin', 'string'],
  [5, 'stdout', 'string'],
  [6, 'stderr', 'string'],
  [7, 'terminal', 'bool'],
  [8, 'checkpoint', containerdTypes.Descriptor],
  [9, 'options', googleProtobuf.Any],
  [10, 'runtimePath', 'string'],
  [11, 'taskApiAddress', 'string'],
  [12, 'taskApiVersion', 'uint32'],
]);

export interface CreateTaskResponse {
  containerId: string;
  pid: number;
}
export const CreateTaskResponse = /* @__PURE__ */ defineMessage<CreateTaskResponse>('containerd.services.tasks.v1.CreateTaskResponse', () => [
  [1, 'containerId', 'string'],
  [2, 'pid', 'uint32'],
]);

export interface StartRequest {
  containerId: string;
  execId: string;
}
export const StartRequest = /* @__PURE__ */ defineMessage<StartRequest>('containerd.services.tasks.v1.StartRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
]);

export interface StartResponse {
  pid: number;
}
export const StartResponse = /* @__PURE__ */ defineMessage<StartResponse>('containerd.services.tasks.v1.StartResponse', () => [
  [1, 'pid', 'uint32'],
]);

export interface DeleteTaskRequest {
  containerId: string;
}
export const DeleteTaskRequest = /* @__PURE__ */ defineMessage<DeleteTaskRequest>('containerd.services.tasks.v1.DeleteTaskRequest', () => [
  [1, 'containerId', 'string'],
]);

export interface DeleteResponse {
  id: string;
  pid: number;
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
}
export const DeleteResponse = /* @__PURE__ */ defineMessage<DeleteResponse>('containerd.services.tasks.v1.DeleteResponse', () => [
  [1, 'id', 'string'],
  [2, 'pid', 'uint32'],
  [3, 'exitStatus', 'uint32'],
  [4, 'exitedAt', googleProtobuf.Timestamp],
]);

export interface DeleteProcessRequest {
  containerId: string;
  execId: string;
}
export const DeleteProcessRequest = /* @__PURE__ */ defineMessage<DeleteProcessRequest>('containerd.services.tasks.v1.DeleteProcessRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
]);

export interface GetRequest {
  containerId: string;
  execId: string;
}
export const GetRequest = /* @__PURE__ */ defineMessage<GetRequest>('containerd.services.tasks.v1.GetRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
]);

export interface GetResponse {
  process?: containerdV1Types.Process;
}
export const GetResponse = /* @__PURE__ */ defineMessage<GetResponse>('containerd.services.tasks.v1.GetResponse', () => [
  [1, 'process', containerdV1Types.Process],
]);

export interface ListTasksRequest {
  filter: string;
}
export const ListTasksRequest = /* @__PURE__ */ defineMessage<ListTasksRequest>('containerd.services.tasks.v1.ListTasksRequest', () => [
  [1, 'filter', 'string'],
]);

export interface ListTasksResponse {
  tasks: containerdV1Types.Process[];
}
export const ListTasksResponse = /* @__PURE__ */ defineMessage<ListTasksResponse>('containerd.services.tasks.v1.ListTasksResponse', () => [
  [1, 'tasks', containerdV1Types.Process, 'repeated'],
]);

export interface KillRequest {
  containerId: string;
  execId: string;
  signal: number;
  /** Every process of the container. */
  all: boolean;
}
export const KillRequest = /* @__PURE__ */ defineMessage<KillRequest>('containerd.services.tasks.v1.KillRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
  [3, 'signal', 'uint32'],
  [4, 'all', 'bool'],
]);

export interface ExecProcessRequest {
  containerId: string;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  /** An OCI process as JSON under `types.containerd.io/opencontainers/runtime-spec/1/Process`. */
  spec?: googleProtobuf.Any;
  execId: string;
}
export const ExecProcessRequest = /* @__PURE__ */ defineMessage<ExecProcessRequest>('containerd.services.tasks.v1.ExecProcessRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'stdin', 'string'],
  [3, 'stdout', 'string'],
  [4, 'stderr', 'string'],
  [5, 'terminal', 'bool'],
  [6, 'spec', googleProtobuf.Any],
  [7, 'execId', 'string'],
]);

export type ExecProcessResponse = Record<never, never>;
export const ExecProcessResponse = /* @__PURE__ */ defineMessage<ExecProcessResponse>('containerd.services.tasks.v1.ExecProcessResponse', () => []);

/** Columns and rows. */
export interface ResizePtyRequest {
  containerId: string;
  execId: string;
  width: number;
  height: number;
}
export const ResizePtyRequest = /* @__PURE__ */ defineMessage<ResizePtyRequest>('containerd.services.tasks.v1.ResizePtyRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
  [3, 'width', 'uint32'],
  [4, 'height', 'uint32'],
]);

export interface CloseIORequest {
  containerId: string;
  execId: string;
  stdin: boolean;
}
export const CloseIORequest = /* @__PURE__ */ defineMessage<CloseIORequest>('containerd.services.tasks.v1.CloseIORequest', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
  [3, 'stdin', 'bool'],
]);

export interface PauseTaskRequest {
  containerId: string;
}
export const PauseTaskRequest = /* @__PURE__ */ defineMessage<PauseTaskRequest>('containerd.services.tasks.v1.PauseTaskRequest', () => [
  [1, 'containerId', 'string'],
]);

export interface ResumeTaskRequest {
  containerId: string;
}
export const ResumeTaskRequest = /* @__PURE__ */ defineMessage<ResumeTaskRequest>('containerd.services.tasks.v1.ResumeTaskRequest', () => [
  [1, 'containerId', 'string'],
]);

export interface ListPidsRequest {
  containerId: string;
}
export const ListPidsRequest = /* @__PURE__ */ defineMessage<ListPidsRequest>('containerd.services.tasks.v1.ListPidsRequest', () => [
  [1, 'containerId', 'string'],
]);

export interface ListPidsResponse {
  processes: containerdV1Types.ProcessInfo[];
}
export const ListPidsResponse = /* @__PURE__ */ defineMessage<ListPidsResponse>('containerd.services.tasks.v1.ListPidsResponse', () => [
  [1, 'processes', containerdV1Types.ProcessInfo, 'repeated'],
]);

export interface CheckpointTaskRequest {
  containerId: string;
  parentCheckpoint: string;
  options?: googleProtobuf.Any;
}
export const CheckpointTaskRequest = /* @__PURE__ */ defineMessage<CheckpointTaskRequest>('containerd.services.tasks.v1.CheckpointTaskRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'parentCheckpoint', 'string'],
  [3, 'options', googleProtobuf.Any],
]);

export interface CheckpointTaskResponse {
  descriptors: containerdTypes.Descriptor[];
}
export const CheckpointTaskResponse = /* @__PURE__ */ defineMessage<CheckpointTaskResponse>('containerd.services.tasks.v1.CheckpointTaskResponse', () => [
  [1, 'descriptors', containerdTypes.Descriptor, 'repeated'],
]);

export interface UpdateTaskRequest {
  containerId: string;
  /** OCI linux.resources as JSON under `types.containerd.io/opencontainers/runtime-spec/1/LinuxResources`. */
  resources?: googleProtobuf.Any;
  annotations: Record<string, string>;
}
export const UpdateTaskRequest = /* @__PURE__ */ defineMessage<UpdateTaskRequest>('containerd.services.tasks.v1.UpdateTaskRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'resources', googleProtobuf.Any],
  [3, 'annotations', 'string', 'map'],
]);

export interface MetricsRequest {
  filters: string[];
}
export const MetricsRequest = /* @__PURE__ */ defineMessage<MetricsRequest>('containerd.services.tasks.v1.MetricsRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

export interface MetricsResponse {
  metrics: containerdTypes.Metric[];
}
export const MetricsResponse = /* @__PURE__ */ defineMessage<MetricsResponse>('containerd.services.tasks.v1.MetricsResponse', () => [
  [1, 'metrics', containerdTypes.Metric, 'repeated'],
]);

export interface WaitRequest {
  containerId: string;
  execId: string;
}
export const WaitRequest = /* @__PURE__ */ defineMessage<WaitRequest>('containerd.services.tasks.v1.WaitRequest', () => [
  [1, 'containerId', 'string'],
  [2, 'execId', 'string'],
]);

export interface WaitResponse {
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
}
export const WaitResponse = /* @__PURE__ */ defineMessage<WaitResponse>('containerd.services.tasks.v1.WaitResponse', () => [
  [1, 'exitStatus', 'uint32'],
  [2, 'exitedAt', googleProtobuf.Timestamp],
]);

/** What runs: at most one task per container, with any number of execs beside it. An empty exec_id means the
 * task itself. */
export const TasksService = /* @__PURE__ */ defineService('containerd.services.tasks.v1.Tasks', {
  /** Starts a shim and creates the task in it. */
  create: /* @__PURE__ */ defineMethod('Create', 'unary', CreateTaskRequest, CreateTaskResponse),
  start: /* @__PURE__ */ defineMethod('Start', 'unary', StartRequest, StartResponse),
  /** Removes a stopped task and says how it ended. */
  delete: /* @__PURE__ */ defineMethod('Delete', 'unary', DeleteTaskRequest, DeleteResponse),
  deleteProcess: /* @__PURE__ */ defineMethod('DeleteProcess', 'unary', DeleteProcessRequest, DeleteResponse),
  get: /* @__PURE__ */ defineMethod('Get', 'unary', GetRequest, GetResponse),
  list: /* @__PURE__ */ defineMethod('List', 'unary', ListTasksRequest, ListTasksResponse),
  kill: /* @__PURE__ */ defineMethod('Kill', 'unary', KillRequest, googleProtobuf.Empty),
  /** Adds a process; Start starts it. */
  exec: /* @__PURE__ */ defineMethod('Exec', 'unary', ExecProcessRequest, googleProtobuf.Empty),
  resizePty: /* @__PURE__ */ defineMethod('ResizePty', 'unary', ResizePtyRequest, googleProtobuf.Empty),
  closeIO: /* @__PURE__ */ defineMethod('CloseIO', 'unary', CloseIORequest, googleProtobuf.Empty),
  pause: /* @__PURE__ */ defineMethod('Pause', 'unary', PauseTaskRequest, googleProtobuf.Empty),
  resume: /* @__PURE__ */ defineMethod('Resume', 'unary', ResumeTaskRequest, googleProtobuf.Empty),
  listPids: /* @__PURE__ */ defineMethod('ListPids', 'unary', ListPidsRequest, ListPidsResponse),
  checkpoint: /* @__PURE__ */ defineMethod('Checkpoint', 'unary', CheckpointTaskRequest, CheckpointTaskResponse),
  update: /* @__PURE__ */ defineMethod('Update', 'unary', UpdateTaskRequest, googleProtobuf.Empty),
  metrics: /* @__PURE__ */ defineMethod('Metrics', 'unary', MetricsRequest, MetricsResponse),
  /** Answers when the process has ended, at once if it already has. */
  wait: /* @__PURE__ */ defineMethod('Wait', 'unary', WaitRequest, WaitResponse),
});
