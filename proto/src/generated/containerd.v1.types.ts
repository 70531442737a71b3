// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineEnum } from '../message.ts';
import { defineMessage } from '../message.ts';
import * as googleProtobuf from './google.protobuf.ts';

/** Where a task or an exec stands. */
export type Status = 'UNKNOWN' | 'CREATED' | 'RUNNING' | 'STOPPED' | 'PAUSED' | 'PAUSING';
export const Status = /* @__PURE__ */ defineEnum('containerd.v1.types.Status', {
  UNKNOWN: 0,
  CREATED: 1,
  RUNNING: 2,
  STOPPED: 3,
  PAUSED: 4,
  PAUSING: 5,
});

/** A task or an exec, as clients see it. */
export interface Process {
  containerId: string;
  /** Container id for the task, exec id for an exec. */
  id: string;
  /** In the pid namespace of the daemon. */
  pid: number;
  status: Status;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  exitStatus: number;
  exitedAt?: googleProtobuf.Timestamp;
}
export const Process = /* @__PURE__ */ defineMessage<Process>('containerd.v1.types.Process', () => [
  [1, 'containerId', 'string'],
  [2, 'id', 'string'],
  [3, 'pid', 'uint32'],
  [4, 'status', Status],
  [5, 'stdin', 'string'],
  [6, 'stdout', 'string'],
  [7, 'stderr', 'string'],
  [8, 'terminal', 'bool'],
  [9, 'exitStatus', 'uint32'],
  [10, 'exitedAt', googleProtobuf.Timestamp],
]);

/** A kernel process inside a task. */
export interface ProcessInfo {
  pid: number;
  /** containerd.runc.v1.ProcessDetails where the process is an exec. */
  info?: googleProtobuf.Any;
}
export const ProcessInfo = /* @__PURE__ */ defineMessage<ProcessInfo>('containerd.v1.types.ProcessInfo', () => [
  [1, 'pid', 'uint32'],
  [2, 'info', googleProtobuf.Any],
]);
