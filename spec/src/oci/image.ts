/** Image documents: OCI image-spec 1.1 and Docker's schema 2, which differ in media types only. */
import {
  array,
  boolean,
  integer,
  nonEmptyString,
  object,
  oneOf,
  optional,
  record,
  refine,
  reject,
  string,
  type Decoder,
} from '../json-decoder.ts';

/** Media types by what they mean: first OCI's, then Docker's. */
export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociLayerNondistributable: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociLayerNondistributableGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociLayerNondistributableZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  /** Written by some tools for a layer that is not compressed. */
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerForeign: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  dockerLayerForeignGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

/** Whether a descriptor of this type points to an index (or manifest list). */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerManifestList;
}

/** Whether a descriptor of this type points to a manifest. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
}

/** Whether a descriptor of this type points to an image config. */
export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig;
}

/** How a layer's tar archive is compressed; undefined when `mediaType` is no layer. */
export function layerCompression(mediaType: string): 'none' | 'gzip' | 'zstd' | undefined {
  switch (mediaType) {
    case mediaTypes.ociLayer:
    case mediaTypes.ociLayerNondistributable:
    case mediaTypes.dockerLayer:
    case mediaTypes.dockerLayerForeign:
      return 'none';
    case mediaTypes.ociLayerGzip:
    case mediaTypes.ociLayerNondistributableGzip:
    case mediaTypes.dockerLayerGzip:
    case mediaTypes.dockerLayerForeignGzip:
      return 'gzip';
    case mediaTypes.ociLayerZstd:
    case mediaTypes.ociLayerNondistributableZstd:
      return 'zstd';
    default:
      return undefined;
  }
}

export interface Platform {
  architecture: string;
  os: string;
  'os.version'?: string;
  'os.features'?: string[];
  variant?: string;
}

export interface Descriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  urls?: string[];
  annotations?: Record<string, string>;
  /** Base64 of the content itself. */
  data?: string;
  platform?: Platform;
  artifactType?: string;
}

export interface Index {
  schemaVersion: 2;
  /** Optional in OCI, always present in Docker's list. */
  mediaType?: string;
  artifactType?: string;
  manifests: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

/** Docker's addition to the image config; times in nanoseconds. */
export interface Healthcheck {
  /** `['NONE']`, `['CMD', arg, …]` or `['CMD-SHELL', command]`. */
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** What a container of this image does unless told otherwise. The last five are Docker's additions. */
export interface ImageExecutionConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  ArgsEscaped?: boolean;
  Healthcheck?: Healthcheck;
  OnBuild?: string[];
  Shell?: string[];
  /** Seconds. */
  StopTimeout?: number;
}

export interface ImageHistory {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** The image config; its digest is what docker calls the image's id. */
export interface ImageConfig extends Platform {
  /** RFC 3339. */
  created?: string;
  author?: string;
  config?: ImageExecutionConfig;
  rootfs: {
    type: 'layers';
    /** Digests of the uncompressed layers, base first. */
    diff_ids: string[];
  };
  history?: ImageHistory[];
}

/** `algorithm:encoded`, for the registered algorithms with exactly as many hex digits as they have. */
const digest = refine(nonEmptyString, (text, path) => {
  const lengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };
  const match = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(text);
  const [, algorithm = '', encoded = ''] = match ?? [];
  const length = lengths[algorithm];
  const registered =
    length === undefined || (encoded.length === length && /^[a-f0-9]+$/.test(encoded));
  if (!match || !registered) reject(path, `"${text}" is not a digest`);
});

const strings = array(string);
const stringMap = record(string);
const platformFields = {
  architecture: string,
  os: string,
  'os.version': optional(string),
  'os.features': optional(strings),
  variant: optional(string),
};

const descriptor = object<Descriptor>({
  mediaType: nonEmptyString,
  digest,
  size: integer(0, Number.MAX_SAFE_INTEGER),
  urls: optional(strings),
  annotations: optional(stringMap),
  data: optional(string),
  platform: optional(object<Platform>(platformFields)),
  artifactType: optional(string),
});

const schemaVersion: Decoder<2> = (value, path) =>
  value === 2 ? value : reject(path, `only version 2 is supported, got ${JSON.stringify(value)}`);

/** Refuses a document whose own media type is of another kind: a registry must not pass an index off as a manifest. */
function mediaType(isExpected: (type: string) => boolean, kind: string): Decoder<string> {
  return refine(string, (text, path) => {
    if (text !== '' && !isExpected(text)) reject(path, `"${text}" is not the type of ${kind}`);
  });
}

const index = object<Index>({
  schemaVersion,
  mediaType: optional(mediaType(isIndexType, 'an image index')),
  artifactType: optional(string),
  manifests: array(descriptor),
  subject: optional(descriptor),
  annotations: optional(stringMap),
});

const manifest = object<Manifest>({
  schemaVersion,
  mediaType: optional(mediaType(isManifestType, 'an image manifest')),
  artifactType: optional(string),
  config: descriptor,
  layers: array(descriptor),
  subject: optional(descriptor),
  annotations: optional(stringMap),
});

const nanoseconds = integer(0, Number.MAX_SAFE_INTEGER);
const set: Decoder<Record<string, object>> = record(object<object>({}));

const executionConfig = object<ImageExecutionConfig>({
  User: optional(string),
  ExposedPorts: optional(set),
  Env: optional(strings),
  Entrypoint: optional(strings),
  Cmd: optional(strings),
  Volumes: optional(set),
  WorkingDir: optional(string),
  Labels: optional(stringMap),
  StopSignal: optional(string),
  ArgsEscaped: optional(boolean),
  Healthcheck: optional(
    object<Healthcheck>({
      Test: optional(strings),
      Interval: optional(nanoseconds),
      Timeout: optional(nanoseconds),
      StartPeriod: optional(nanoseconds),
      StartInterval: optional(nanoseconds),
      Retries: optional(nanoseconds),
    }),
  ),
  OnBuild: optional(strings),
  Shell: optional(strings),
  StopTimeout: optional(integer(-1, Number.MAX_SAFE_INTEGER)),
});

const imageConfig = object<ImageConfig>({
  ...platformFields,
  created: optional(string),
  author: optional(string),
  config: optional(executionConfig),
  rootfs: object<ImageConfig['rootfs']>({ type: oneOf(['layers']), diff_ids: array(digest) }),
  history: optional(
    array(
      object<ImageHistory>({
        created: optional(string),
        created_by: optional(string),
        author: optional(string),
        comment: optional(string),
        empty_layer: optional(boolean),
      }),
    ),
  ),
});

/** A descriptor. Throws invalid_argument naming the place, as the other functions here do. */
export function parseDescriptor(json: unknown): Descriptor {
  return descriptor(json, 'descriptor');
}

/** An image index or Docker manifest list. Throws also for one that could be taken for a manifest. */
export function parseIndex(json: unknown): Index {
  const result = index(json, 'index');
  refuseForeign(json, ['config', 'layers', 'fsLayers'], 'an index');
  return result;
}

/** An image manifest, OCI or Docker schema 2. Throws also for one that could be taken for an index. */
export function parseManifest(json: unknown): Manifest {
  const result = manifest(json, 'manifest');
  refuseForeign(json, ['manifests', 'fsLayers'], 'a manifest');
  return result;
}

/** A document that means one thing to us and another to somebody else is an attack (CVE-2021-41190). */
function refuseForeign(json: unknown, foreign: readonly string[], kind: string): void {
  if (typeof json !== 'object' || json === null) return;
  const found = foreign.find((key) => key in json);
  if (found !== undefined) reject(found, `is no part of ${kind}`);
}

/** An image config. What docker and we do not know about it is dropped: keep the original bytes to preserve its digest. */
export function parseImageConfig(json: unknown): ImageConfig {
  return imageConfig(json, 'image config');
}
