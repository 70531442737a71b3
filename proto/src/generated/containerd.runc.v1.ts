// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';

/** CreateTaskRequest.options of shims that run a program with runc's command line. */
export interface Options {
  /** Leave the root by MS_MOVE and chroot (an initramfs cannot be pivoted away). */
  noPivotRoot: boolean;
  /** Do not give the container a session keyring of its own. */
  noNewKeyring: boolean;
  /** cgroup for the shim itself. */
  shimCgroup: string;
  /** Owner of the container's stdio pipes. */
  ioUid: number;
  ioGid: number;
  /** Name or path of the runtime. */
  binaryName: string;
  /** The runtime's --root; a folder per namespace is added below it. */
  root: string;
  /** Let systemd make the cgroups. */
  systemdCgroup: boolean;
  criuImagePath: string;
  criuWorkPath: string;
  /** Fields 12 and 13 carried the task API's address in early versions of containerd 2. */
  taskApiAddress: string;
  taskApiVersion: number;
}
export const Options = /* @__PURE__ */ defineMessage<Options>('containerd.runc.v1.Options', () => [
  [1, 'noPivotRoot', 'bool'],
  [2, 'noNewKeyring', 'bool'],
  [3, 'shimCgroup', 'string'],
  [4, 'ioUid', 'uint32'],
  [5, 'ioGid', 'uint32'],
  [6, 'binaryName', 'string'],
  [7, 'root', 'string'],
  [9, 'systemdCgroup', 'bool'],
  [10, 'criuImagePath', 'string'],
  [11, 'criuWorkPath', 'string'],
  [12, 'taskApiAddress', 'string'],
  [13, 'taskApiVersion', 'uint32'],
]);

/** CheckpointTaskRequest.options. */
export interface CheckpointOptions {
  /** Stop the container once it is saved. */
  exit: boolean;
  openTcp: boolean;
  externalUnixSockets: boolean;
  terminal: boolean;
  fileLocks: boolean;
  emptyNamespaces: string[];
  cgroupsMode: string;
  imagePath: string;
  workPath: string;
}
export const CheckpointOptions = /* @__PURE__ */ defineMessage<CheckpointOptions>('containerd.runc.v1.CheckpointOptions', () => [
  [1, 'exit', 'bool'],
  [2, 'openTcp', 'bool'],
  [3, 'externalUnixSockets', 'bool'],
  [4, 'terminal', 'bool'],
  [5, 'fileLocks', 'bool'],
  [6, 'emptyNamespaces', 'string', 'repeated'],
  [7, 'cgroupsMode', 'string'],
  [8, 'imagePath', 'string'],
  [9, 'workPath', 'string'],
]);

/** ProcessInfo.info of a process that belongs to an exec. */
export interface ProcessDetails {
  execId: string;
}
export const ProcessDetails = /* @__PURE__ */ defineMessage<ProcessDetails>('containerd.runc.v1.ProcessDetails', () => [
  [1, 'execId', 'string'],
]);
