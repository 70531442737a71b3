/** Images as engined's other parts and its API see them. */
import type { Digest } from '#spec/digest';
import type { Descriptor, ImageConfig } from '#spec/oci/image';
import type { RegistryCredentials } from '#lib/registry/credentials';
import type { ImageInspect, ImageSummary, RemovedImage } from './api-types.ts';
import type { CommitRequest } from './commit-image.ts';
import type { ImageFilters } from './filters.ts';
import type { HistoryItem } from './image-history.ts';
import type { PushMessage } from './push-progress.ts';

/** An image of this machine's platform (or of the one it was pulled for). */
export interface StoredImage {
  /** A name it has in containerd's store, `docker.io/library/busybox:latest`. */
  name: string;
  /** Digest of its config: what docker calls the image's id. */
  id: Digest;
  /** What the name points to: a manifest, or an index with several platforms. */
  target: Descriptor;
  config: ImageConfig;
  /** Name of the snapshot that its layers make; empty for an image without layers. */
  chainId: Digest | '';
  /** Familiar, sorted: `busybox:latest`. */
  repoTags: readonly string[];
  /** Familiar, sorted: `busybox@sha256:…`. */
  repoDigests: readonly string[];
  /** Size of the unpacked layers where containerd knows it, else of the compressed ones. */
  sizeBytes: number;
  createdAt: Date;
}

export interface PullOptions {
  /** `linux/arm64`, `arm64`, `linux/arm/v7`; this machine's without it. */
  platform?: string;
  credentials?: RegistryCredentials;
  signal?: AbortSignal;
}

/** One object of the stream that answers a pull, in docker's vocabulary. */
export interface PullProgress {
  status: string;
  /** Short digest of the layer it is about, or the tag. */
  id?: string;
  progressDetail?: { current?: number; total?: number };
  /** The bar that old clients print. */
  progress?: string;
}

/** A container that uses an image. */
export interface ImageUser {
  containerId: string;
  running: boolean;
}

export interface RemoveOptions {
  force: boolean;
  /** Keeps the content of an image whose last name goes. */
  noPrune?: boolean;
}

export interface ImageService {
  /**
   * Finds an image by name (`busybox`), name and digest, or id (`sha256:…`, or its first characters).
   * Throws not_found `No such image: busybox:latest`; invalid_argument for what is no reference.
   */
  get(reference: string): Promise<StoredImage>;

  /** The answer of `GET /images/json`, newest first. */
  list(filters: ImageFilters): Promise<ImageSummary[]>;

  /** The answer of `GET /images/{name}/json`. Throws as {@link get}. */
  inspect(reference: string): Promise<ImageInspect>;

  /**
   * The answer of `DELETE /images/{name}`. An untagged image that a container uses stays as `engine-dangling@<digest>`.
   * Throws not_found, and conflict when a container uses it or several names share it and `force` is not given.
   */
  remove(reference: string, options: RemoveOptions): Promise<RemovedImage[]>;

  /**
   * Pulls and unpacks. Throws not_found, permission_denied, unavailable … in docker's words, or data_loss for content
   * that is not what its digest says; nothing stays behind then.
   */
  pull(
    reference: string,
    options: PullOptions,
    onProgress: (message: PullProgress) => void,
  ): Promise<StoredImage>;

  /** Unpacks an image that is not. Returns the parent for a container's snapshot: its chain ID (empty without layers). */
  ensureUnpacked(image: StoredImage): Promise<Digest | ''>;

  /** Gives an image one more name. Throws not_found, invalid_argument for the name. */
  tag(reference: string, name: string): Promise<StoredImage>;

  /** The answer of `GET /images/{name}/history`. */
  history(reference: string): Promise<HistoryItem[]>;

  /** Sends an image, under the name that it has here, to its registry. Throws not_found, and what the registry says. */
  push(
    reference: string,
    options: Omit<PullOptions, 'platform'>,
    onProgress: (message: PushMessage) => void,
  ): Promise<void>;

  /** Makes an image of another one and what a container changed in it. Returns its id. */
  commit(baseId: string, request: CommitOptions): Promise<Digest>;

  /** The archive of images, by name or id. Throws not_found before its first piece. */
  save(references: readonly string[]): Promise<AsyncIterable<Buffer>>;

  /** Stores the images of an archive. Returns what it is to be told of each: its tags, or its id. */
  load(archive: AsyncIterable<Buffer>): Promise<LoadedImage[]>;

  /** Removes the images that no container uses: those without a name, or `all`. */
  prune(filters: ImageFilters, all: boolean): Promise<{ removed: RemovedImage[]; bytes: number }>;

  /** Adds (or replaces) an image from memory, children before parents; the last blob is its manifest. */
  import(name: string, blobs: readonly ImageBlob[]): Promise<StoredImage>;
}

/** An image of an archive, under its names. */
export interface LoadedImage {
  id: Digest;
  repoTags: readonly string[];
}

/** What becomes of a container's changes. */
export type CommitOptions = Omit<CommitRequest, 'base' | 'snapshotter'> & { reference?: string };

export interface ImageBlob {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
}
