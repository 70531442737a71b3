// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineEnum } from '../message.ts';
import { defineMessage } from '../message.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

export type HTTPDebug = 'DISABLED' | 'DEBUG' | 'TRACE' | 'BOTH';
export const HTTPDebug = /* @__PURE__ */ defineEnum('containerd.types.transfer.HTTPDebug', {
  DISABLED: 0,
  DEBUG: 1,
  TRACE: 2,
  BOTH: 3,
});

export type AuthType = 'NONE' | 'CREDENTIALS' | 'REFRESH' | 'HEADER';
export const AuthType = /* @__PURE__ */ defineEnum('containerd.types.transfer.AuthType', {
  NONE: 0,
  CREDENTIALS: 1,
  REFRESH: 2,
  HEADER: 3,
});

/** Images in the image store, as source or destination. */
export interface ImageStore {
  name: string;
  labels: Record<string, string>;
  /** Which manifests of an index are wanted; none means all. */
  platforms: containerdTypes.Platform[];
  /** Store the metadata of every platform even where its content is not wanted. */
  allMetadata: boolean;
  manifestLimit: number;
  /** Names for images found in an import. */
  extraReferences: ImageReference[];
  /** Where to unpack what was stored. */
  unpacks: UnpackConfiguration[];
}
export const ImageStore = /* @__PURE__ */ defineMessage<ImageStore>('containerd.types.transfer.ImageStore', () => [
  [1, 'name', 'string'],
  [2, 'labels', 'string', 'map'],
  [3, 'platforms', containerdTypes.Platform, 'repeated'],
  [4, 'allMetadata', 'bool'],
  [5, 'manifestLimit', 'uint32'],
  [6, 'extraReferences', ImageReference, 'repeated'],
  [10, 'unpacks', UnpackConfiguration, 'repeated'],
]);

export interface UnpackConfiguration {
  platform?: containerdTypes.Platform;
  snapshotter: string;
}
export const UnpackConfiguration = /* @__PURE__ */ defineMessage<UnpackConfiguration>('containerd.types.transfer.UnpackConfiguration', () => [
  [1, 'platform', containerdTypes.Platform],
  [2, 'snapshotter', 'string'],
]);

/** How an imported image gets its name. */
export interface ImageReference {
  /** A name, or a prefix of names where is_prefix is set. */
  name: string;
  isPrefix: boolean;
  allowOverwrite: boolean;
  addDigest: boolean;
  skipNamedDigest: boolean;
}
export const ImageReference = /* @__PURE__ */ defineMessage<ImageReference>('containerd.types.transfer.ImageReference', () => [
  [1, 'name', 'string'],
  [2, 'isPrefix', 'bool'],
  [3, 'allowOverwrite', 'bool'],
  [4, 'addDigest', 'bool'],
  [5, 'skipNamedDigest', 'bool'],
]);

/** An archive that the client sends on a stream. */
export interface ImageImportStream {
  stream: string;
  mediaType: string;
  forceCompress: boolean;
}
export const ImageImportStream = /* @__PURE__ */ defineMessage<ImageImportStream>('containerd.types.transfer.ImageImportStream', () => [
  [1, 'stream', 'string'],
  [2, 'mediaType', 'string'],
  [3, 'forceCompress', 'bool'],
]);

/** An archive that the client receives on a stream. */
export interface ImageExportStream {
  stream: string;
  mediaType: string;
  platforms: containerdTypes.Platform[];
  allPlatforms: boolean;
  skipCompatibilityManifest: boolean;
  skipNonDistributable: boolean;
}
export const ImageExportStream = /* @__PURE__ */ defineMessage<ImageExportStream>('containerd.types.transfer.ImageExportStream', () => [
  [1, 'stream', 'string'],
  [2, 'mediaType', 'string'],
  [3, 'platforms', containerdTypes.Platform, 'repeated'],
  [4, 'allPlatforms', 'bool'],
  [5, 'skipCompatibilityManifest', 'bool'],
  [6, 'skipNonDistributable', 'bool'],
]);

/** A repository in a registry. */
export interface OCIRegistry {
  /** `docker.io/library/busybox:latest` */
  reference: string;
  resolver?: RegistryResolver;
}
export const OCIRegistry = /* @__PURE__ */ defineMessage<OCIRegistry>('containerd.types.transfer.OCIRegistry', () => [
  [1, 'reference', 'string'],
  [2, 'resolver', RegistryResolver],
]);

/** How to reach a registry. */
export interface RegistryResolver {
  /** Stream on which credentials are asked for (AuthRequest) and given (AuthResponse). */
  authStream: string;
  headers: Record<string, string>;
  /** A folder of `hosts.toml` files. */
  hostDir: string;
  /** `http` or `https`. */
  defaultScheme: string;
  httpDebug: HTTPDebug;
  logsStream: string;
}
export const RegistryResolver = /* @__PURE__ */ defineMessage<RegistryResolver>('containerd.types.transfer.RegistryResolver', () => [
  [1, 'authStream', 'string'],
  [2, 'headers', 'string', 'map'],
  [3, 'hostDir', 'string'],
  [4, 'defaultScheme', 'string'],
  [5, 'httpDebug', HTTPDebug],
  [6, 'logsStream', 'string'],
]);

/** The daemon asks for credentials. */
export interface AuthRequest {
  host: string;
  reference: string;
  /** The registry's WWW-Authenticate headers. */
  wwwauthenticate: string[];
}
export const AuthRequest = /* @__PURE__ */ defineMessage<AuthRequest>('containerd.types.transfer.AuthRequest', () => [
  [1, 'host', 'string'],
  [2, 'reference', 'string'],
  [3, 'wwwauthenticate', 'string', 'repeated'],
]);

/** The client gives credentials. */
export interface AuthResponse {
  authType: AuthType;
  secret: string;
  username: string;
  expireAt?: googleProtobuf.Timestamp;
}
export const AuthResponse = /* @__PURE__ */ defineMessage<AuthResponse>('containerd.types.transfer.AuthResponse', () => [
  [1, 'authType', AuthType],
  [2, 'secret', 'string'],
  [3, 'username', 'string'],
  [4, 'expireAt', googleProtobuf.Timestamp],
]);

/** One step of a transfer, sent on the progress stream. */
export interface Progress {
  event: string;
  name: string;
  parents: string[];
  progress: number;
  total: number;
  desc?: containerdTypes.Descriptor;
}
export const Progress = /* @__PURE__ */ defineMessage<Progress>('containerd.types.transfer.Progress', () => [
  [1, 'event', 'string'],
  [2, 'name', 'string'],
  [3, 'parents', 'string', 'repeated'],
  [4, 'progress', 'int64'],
  [5, 'total', 'int64'],
  [6, 'desc', containerdTypes.Descriptor],
]);

/** Bytes on a stream; the receiver grants how many more it takes by WindowUpdate. */
export interface Data {
  data: Buffer;
}
export const Data = /* @__PURE__ */ defineMessage<Data>('containerd.types.transfer.Data', () => [
  [1, 'data', 'bytes'],
]);

export interface WindowUpdate {
  /** Bytes. */
  update: number;
}
export const WindowUpdate = /* @__PURE__ */ defineMessage<WindowUpdate>('containerd.types.transfer.WindowUpdate', () => [
  [1, 'update', 'int32'],
]);

/** A stream of bytes as source. */
export interface ReadStream {
  stream: string;
  mediaType: string;
}
export const ReadStream = /* @__PURE__ */ defineMessage<ReadStream>('containerd.types.transfer.ReadStream', () => [
  [1, 'stream', 'string'],
  [2, 'mediaType', 'string'],
]);

/** A stream of bytes as destination. */
export interface WriteStream {
  stream: string;
  mediaType: string;
}
export const WriteStream = /* @__PURE__ */ defineMessage<WriteStream>('containerd.types.transfer.WriteStream', () => [
  [1, 'stream', 'string'],
  [2, 'mediaType', 'string'],
]);

/** A file or folder inside a container, as source or destination. */
export interface ContainerPath {
  containerId: string;
  path: string;
  noWalk: boolean;
  preserveOwnership: boolean;
}
export const ContainerPath = /* @__PURE__ */ defineMessage<ContainerPath>('containerd.types.transfer.ContainerPath', () => [
  [1, 'containerId', 'string'],
  [2, 'path', 'string'],
  [3, 'noWalk', 'bool'],
  [4, 'preserveOwnership', 'bool'],
]);
