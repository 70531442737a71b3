// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';
import * as googleRpc from './google.rpc.ts';

export interface Plugin {
  /** `io.containerd.snapshotter.v1` */
  type: string;
  /** `overlayfs` */
  id: string;
  requires: string[];
  platforms: containerdTypes.Platform[];
  exports: Record<string, string>;
  capabilities: string[];
  /** Why it does not work, where it does not. */
  initErr?: googleRpc.Status;
}
export const Plugin = /* @__PURE__ */ defineMessage<Plugin>('containerd.services.introspection.v1.Plugin', () => [
  [1, 'type', 'string'],
  [2, 'id', 'string'],
  [3, 'requires', 'string', 'repeated'],
  [4, 'platforms', containerdTypes.Platform, 'repeated'],
  [5, 'exports', 'string', 'map'],
  [6, 'capabilities', 'string', 'repeated'],
  [7, 'initErr', googleRpc.Status],
]);

export interface PluginsRequest {
  filters: string[];
}
export const PluginsRequest = /* @__PURE__ */ defineMessage<PluginsRequest>('containerd.services.introspection.v1.PluginsRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

export interface PluginsResponse {
  plugins: Plugin[];
}
export const PluginsResponse = /* @__PURE__ */ defineMessage<PluginsResponse>('containerd.services.introspection.v1.PluginsResponse', () => [
  [1, 'plugins', Plugin, 'repeated'],
]);

export interface ServerResponse {
  /** Stays the same as long as the root folder does. */
  uuid: string;
  pid: number;
  /** Inode of its pid namespace. */
  pidns: number;
  deprecations: DeprecationWarning[];
}
export const ServerResponse = /* @__PURE__ */ defineMessage<ServerResponse>('containerd.services.introspection.v1.ServerResponse', () => [
  [1, 'uuid', 'string'],
  [2, 'pid', 'uint64'],
  [3, 'pidns', 'uint64'],
  [4, 'deprecations', DeprecationWarning, 'repeated'],
]);

export interface DeprecationWarning {
  id: string;
  message: string;
  lastOccurrence?: googleProtobuf.Timestamp;
}
export const DeprecationWarning = /* @__PURE__ */ defineMessage<DeprecationWarning>('containerd.services.introspection.v1.DeprecationWarning', () => [
  [1, 'id', 'string'],
  [2, 'message', 'string'],
  [3, 'lastOccurrence', googleProtobuf.Timestamp],
]);

export interface PluginInfoRequest {
  type: string;
  id: string;
  /** containerd.types.RuntimeRequest for the task plugin. */
  options?: googleProtobuf.Any;
}
export const PluginInfoRequest = /* @__PURE__ */ defineMessage<PluginInfoRequest>('containerd.services.introspection.v1.PluginInfoRequest', () => [
  [1, 'type', 'string'],
  [2, 'id', 'string'],
  [3, 'options', googleProtobuf.Any],
]);

export interface PluginInfoResponse {
  plugin?: Plugin;
  /** containerd.types.RuntimeInfo from the task plugin. */
  extra?: googleProtobuf.Any;
}
export const PluginInfoResponse = /* @__PURE__ */ defineMessage<PluginInfoResponse>('containerd.services.introspection.v1.PluginInfoResponse', () => [
  [1, 'plugin', Plugin],
  [2, 'extra', googleProtobuf.Any],
]);

/** What the daemon is made of. */
export const IntrospectionService = /* @__PURE__ */ defineService('containerd.services.introspection.v1.Introspection', {
  plugins: /* @__PURE__ */ defineMethod('Plugins', 'unary', PluginsRequest, PluginsResponse),
  server: /* @__PURE__ */ defineMethod('Server', 'unary', googleProtobuf.Empty, ServerResponse),
  pluginInfo: /* @__PURE__ */ defineMethod('PluginInfo', 'unary', PluginInfoRequest, PluginInfoResponse),
});
