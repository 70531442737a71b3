// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import * as googleProtobuf from './google.protobuf.ts';

/** An OCI content descriptor: what a blob is and how to check it. Field 4 was never used. */
export interface Descriptor {
  mediaType: string;
  /** `sha256:<64 hex digits>` */
  digest: string;
  /** Bytes. */
  size: number;
  annotations: Record<string, string>;
}
export const Descriptor = /* @__PURE__ */ defineMessage<Descriptor>('containerd.types.Descriptor', () => [
  [1, 'mediaType', 'string'],
  [2, 'digest', 'string'],
  [3, 'size', 'int64'],
  [5, 'annotations', 'string', 'map'],
]);

/** An event on its way from whoever saw it happen to every subscriber. */
export interface Envelope {
  timestamp?: googleProtobuf.Timestamp;
  namespace: string;
  /** `/tasks/exit`, `/images/create`, … */
  topic: string;
  /** A message of package containerd.events (of containerd.services.images.v1 for images). */
  event?: googleProtobuf.Any;
}
export const Envelope = /* @__PURE__ */ defineMessage<Envelope>('containerd.types.Envelope', () => [
  [1, 'timestamp', googleProtobuf.Timestamp],
  [2, 'namespace', 'string'],
  [3, 'topic', 'string'],
  [4, 'event', googleProtobuf.Any],
]);

/** Asks a runtime what it is (PluginInfo of the task plugin, containerd 2.0 and later). */
export interface RuntimeRequest {
  /** Name or path of the shim. */
  runtimePath: string;
  /** What would be CreateTaskRequest.options. */
  options?: googleProtobuf.Any;
}
export const RuntimeRequest = /* @__PURE__ */ defineMessage<RuntimeRequest>('containerd.types.RuntimeRequest', () => [
  [1, 'runtimePath', 'string'],
  [2, 'options', googleProtobuf.Any],
]);

export interface RuntimeVersion {
  version: string;
  revision: string;
}
export const RuntimeVersion = /* @__PURE__ */ defineMessage<RuntimeVersion>('containerd.types.RuntimeVersion', () => [
  [1, 'version', 'string'],
  [2, 'revision', 'string'],
]);

/** What a shim prints for `-info`. */
export interface RuntimeInfo {
  name: string;
  version?: RuntimeVersion;
  options?: googleProtobuf.Any;
  /** OCI features document: JSON, `types.containerd.io/opencontainers/runtime-spec/1/features/Features`. */
  features?: googleProtobuf.Any;
  annotations: Record<string, string>;
}
export const RuntimeInfo = /* @__PURE__ */ defineMessage<RuntimeInfo>('containerd.types.RuntimeInfo', () => [
  [1, 'name', 'string'],
  [2, 'version', RuntimeVersion],
  [3, 'options', googleProtobuf.Any],
  [4, 'features', googleProtobuf.Any],
  [5, 'annotations', 'string', 'map'],
]);

/** Resource usage of one task at one moment. */
export interface Metric {
  timestamp?: googleProtobuf.Timestamp;
  /** Container id. */
  id: string;
  /** io.containerd.cgroups.v1.Metrics or io.containerd.cgroups.v2.Metrics. */
  data?: googleProtobuf.Any;
}
export const Metric = /* @__PURE__ */ defineMessage<Metric>('containerd.types.Metric', () => [
  [1, 'timestamp', googleProtobuf.Timestamp],
  [2, 'id', 'string'],
  [3, 'data', googleProtobuf.Any],
]);

/** One mount(2) in the words of mount(8). */
export interface Mount {
  /** `overlay`, `bind`, … */
  type: string;
  source: string;
  /** Below the mount point that the reader chooses; usually empty. */
  target: string;
  /** As in fstab: flags (`ro`, `rbind`) and file system data (`lowerdir=…`) mixed. */
  options: string[];
}
export const Mount = /* @__PURE__ */ defineMessage<Mount>('containerd.types.Mount', () => [
  [1, 'type', 'string'],
  [2, 'source', 'string'],
  [3, 'target', 'string'],
  [4, 'options', 'string', 'repeated'],
]);

/** A mount that needed user space to be set up, and was (containerd 2.2 and later). */
export interface ActiveMount {
  mount?: Mount;
  mountedAt?: googleProtobuf.Timestamp;
  mountPoint: string;
  data: Record<string, string>;
}
export const ActiveMount = /* @__PURE__ */ defineMessage<ActiveMount>('containerd.types.ActiveMount', () => [
  [1, 'mount', Mount],
  [2, 'mountedAt', googleProtobuf.Timestamp],
  [3, 'mountPoint', 'string'],
  [4, 'data', 'string', 'map'],
]);

/** Mounts that were activated together under a name. */
export interface ActivationInfo {
  name: string;
  active: ActiveMount[];
  /** What is left for the kernel. */
  system: Mount[];
  labels: Record<string, string>;
}
export const ActivationInfo = /* @__PURE__ */ defineMessage<ActivationInfo>('containerd.types.ActivationInfo', () => [
  [1, 'name', 'string'],
  [2, 'active', ActiveMount, 'repeated'],
  [3, 'system', Mount, 'repeated'],
  [4, 'labels', 'string', 'map'],
]);

/** An operating system and processor as image indexes name them. */
export interface Platform {
  os: string;
  architecture: string;
  variant: string;
  osVersion: string;
  osFeatures: string[];
}
export const Platform = /* @__PURE__ */ defineMessage<Platform>('containerd.types.Platform', () => [
  [1, 'os', 'string'],
  [2, 'architecture', 'string'],
  [3, 'variant', 'string'],
  [4, 'osVersion', 'string'],
  [5, 'osFeatures', 'string', 'repeated'],
]);
