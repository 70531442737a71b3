// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineEnum } from '../message.ts';
import { defineMessage } from '../message.ts';
import * as googleProtobuf from './google.protobuf.ts';

/** Numbers of Go's slog. */
export type LogLevel = 'LOG_LEVEL_INFO' | 'LOG_LEVEL_TRACE' | 'LOG_LEVEL_DEBUG' | 'LOG_LEVEL_WARN' | 'LOG_LEVEL_ERROR' | 'LOG_LEVEL_FATAL' | 'LOG_LEVEL_PANIC';
export const LogLevel = /* @__PURE__ */ defineEnum('containerd.runtime.bootstrap.v1.LogLevel', {
  LOG_LEVEL_INFO: 0,
  LOG_LEVEL_TRACE: -8,
  LOG_LEVEL_DEBUG: -4,
  LOG_LEVEL_WARN: 4,
  LOG_LEVEL_ERROR: 8,
  LOG_LEVEL_FATAL: 10,
  LOG_LEVEL_PANIC: 12,
});

export type Capability = 'CAPABILITY_UNSPECIFIED';
export const Capability = /* @__PURE__ */ defineEnum('containerd.runtime.bootstrap.v1.Capability', {
  CAPABILITY_UNSPECIFIED: 0,
});

/** What containerd 2.3 and later write to the stdin of `shim start`, in binary form. */
export interface BootstrapParams {
  instanceId: string;
  namespace: string;
  logLevel: LogLevel;
  containerdVersion: string;
  containerdTtrpcAddress: string;
  containerdGrpcAddress: string;
  containerdBinary: string;
  /** Runtime options are one of these. */
  extensions: Extension[];
  /** Folder for the shim's socket; absent means the shim's choice. */
  socketDir?: string;
}
export const BootstrapParams = /* @__PURE__ */ defineMessage<BootstrapParams>('containerd.runtime.bootstrap.v1.BootstrapParams', () => [
  [1, 'instanceId', 'string'],
  [2, 'namespace', 'string'],
  [3, 'logLevel', LogLevel],
  [4, 'containerdVersion', 'string'],
  [5, 'containerdTtrpcAddress', 'string'],
  [6, 'containerdGrpcAddress', 'string'],
  [7, 'containerdBinary', 'string'],
  [8, 'extensions', Extension, 'repeated'],
  [9, 'socketDir', 'string', 'optional'],
]);

export interface Extension {
  value?: googleProtobuf.Any;
}
export const Extension = /* @__PURE__ */ defineMessage<Extension>('containerd.runtime.bootstrap.v1.Extension', () => [
  [1, 'value', googleProtobuf.Any],
]);

/** What the shim may answer on stdout (a bare address is understood by every version). */
export interface BootstrapResult {
  /** Of the task API: 2 or 3. */
  version: number;
  address: string;
  /** `ttrpc` or `grpc`. */
  protocol: string;
  capabilities: Capability[];
  metadata: Record<string, string>;
}
export const BootstrapResult = /* @__PURE__ */ defineMessage<BootstrapResult>('containerd.runtime.bootstrap.v1.BootstrapResult', () => [
  [1, 'version', 'int32'],
  [2, 'address', 'string'],
  [3, 'protocol', 'string'],
  [4, 'capabilities', Capability, 'repeated'],
  [5, 'metadata', 'string', 'map'],
]);
