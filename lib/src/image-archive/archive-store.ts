/** Where the blobs of an archive go, and what is read of them again: containerd's content store, from inside or outside. */
import type { Digest } from '#spec/digest';
import type { Descriptor } from '#spec/oci/image';
import type { Labels } from '#spec/oci/image-tree';

export interface ArchiveStore {
  /** Opens a blob whose digest is not known yet; `name` tells it from others of the archive. */
  openUnnamed(name: string): Promise<ArchiveWriter>;
  /** Whether the blob is stored; if so it is kept from now on, and it has the labels. */
  keep(digest: string, labels: Labels): boolean | Promise<boolean>;
  /** A document. Throws not_found. */
  read(digest: string): Promise<Buffer>;
  /** The first bytes of a blob. */
  start(digest: string, bytes: number): Promise<Buffer>;
  /** Stores a document that is in memory. */
  store(descriptor: Descriptor, content: Buffer, labels: Labels): Promise<void>;
}

/** A blob that is being written. */
export interface ArchiveWriter {
  append(bytes: Buffer): Promise<void>;
  /** Ends the blob. */
  commit(): Promise<{ digest: Digest; size: number }>;
  /** Gives it up, unless it was committed. */
  close(): Promise<void>;
}
