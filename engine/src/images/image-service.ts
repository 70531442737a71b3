/** Images as engined's other parts and its API see them. */
import type { Digest } from '#spec/digest';
import type { Descriptor, ImageConfig, Platform } from '#spec/oci/image';
import type { RegistryCredentials } from '#lib/registry/credentials';
import type { ImageInspect, ImageSummary, RemovedImage } from './api-types.ts';
import type { CommitRequest } from './commit-image.ts';
import type { ImageFilters } from './filters.ts';
import type { HistoryItem } from './image-history.ts';
import type { PrunedImages } from './prune-images.ts';
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

/** What a container needs of an image. */
export type RunnableImage = Pick<StoredImage, 'name' | 'id' | 'target' | 'config' | 'chainId'>;

/** How a registry is spoken to. */
export interface AccessOptions {
  credentials?: RegistryCredentials;
  signal?: AbortSignal;
}

export interface PullOptions extends AccessOptions {
  /** `linux/arm64`, `arm64`, `linux/arm/v7`; this machine's without it. */
  platform?: string;
}

export interface PushOptions extends AccessOptions {
  /** This one alone, of an index; all that are stored without it. */
  platform?: Platform;
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
  /** Only these, of an image for several. */
  platforms?: readonly Platform[];
}

export interface ListOptions {
  /** Counts what images share: costs a look at every layer. */
  sharedSize?: boolean;
  /** What is known of every platform. */
  manifests?: boolean;
}

export interface InspectOptions {
  platform?: Platform;
  manifests?: boolean;
}

export interface LoadOptions {
  /** Of images for several platforms only this one. */
  platform?: Platform;
  /** Without progress. */
  quiet: boolean;
  signal?: AbortSignal;
}

/** One object of the stream that answers a load. */
export type LoadMessage = { stream: string } | PullProgress;

/** `docker import`: an image of one layer. */
export interface ImportOptions {
  /** None: the image has no name. */
  reference?: string;
  platform: Platform;
  message: string;
  /** Dockerfile instructions. */
  changes: readonly string[];
}

export interface ImageService {
  /**
   * Finds an image by name (`busybox`), name and digest, or id (`sha256:…`, or its first characters).
   * Throws not_found `No such image: busybox:latest`, also where it is there for other platforms only; invalid_argument
   * for what is no reference.
   */
  get(reference: string, platform?: Platform): Promise<RunnableImage>;

  /** The answer of `GET /images/json`, newest first. */
  list(filters: ImageFilters, options?: ListOptions): Promise<ImageSummary[]>;

  /** The answer of `GET /images/{name}/json`. Throws as {@link get}. */
  inspect(reference: string, options?: InspectOptions): Promise<ImageInspect>;

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

  /** Pulls every tag of a repository. Throws as {@link pull}. */
  pullAll(
    repository: string,
    options: PullOptions,
    onProgress: (message: PullProgress) => void,
  ): Promise<void>;

  /** Unpacks an image that is not. Returns the parent for a container's snapshot: its chain ID (empty without layers). */
  ensureUnpacked(image: RunnableImage): Promise<Digest | ''>;

  /** Gives an image one more name. Throws not_found, invalid_argument for the name. */
  tag(reference: string, name: string): Promise<void>;

  /** The answer of `GET /images/{name}/history`. */
  history(reference: string, platform?: Platform): Promise<HistoryItem[]>;

  /** Sends an image, under the name that it has here, to its registry. Throws not_found, and what the registry says. */
  push(
    reference: string,
    options: PushOptions,
    onProgress: (message: PushMessage) => void,
  ): Promise<void>;

  /** Sends every tag that a repository has here. Throws as {@link push}. */
  pushAll(
    repository: string,
    options: PushOptions,
    onProgress: (message: PushMessage) => void,
  ): Promise<void>;

  /** Makes an image of another one and what a container changed in it. Returns its id. */
  commit(baseId: string, request: CommitOptions): Promise<Digest>;

  /**
   * The archive of images, by name or id; a name without a tag means all its tags. Throws not_found before its first
   * piece.
   */
  save(references: readonly string[], platform?: Platform): Promise<AsyncIterable<Buffer>>;

  /** Stores the images of an archive, and tells which. */
  load(
    archive: AsyncIterable<Buffer>,
    options: LoadOptions,
    onMessage: (message: LoadMessage) => void,
  ): Promise<void>;

  /** Makes an image of an archive of a root file system. Returns its id. */
  importRoot(archive: AsyncIterable<Buffer>, options: ImportOptions): Promise<Digest>;

  /** Removes the images that no container uses: those without a name, or `all`. */
  prune(filters: ImageFilters, all: boolean): Promise<PrunedImages>;

  /** Adds (or replaces) an image from memory, children before parents; the last blob is its manifest. */
  import(name: string, blobs: readonly ImageBlob[]): Promise<RunnableImage>;
}

/** What becomes of a container's changes. */
export type CommitOptions = Omit<CommitRequest, 'base' | 'snapshotter'> & { reference?: string };

export interface ImageBlob {
  readonly descriptor: Descriptor;
  readonly content: Buffer;
}
