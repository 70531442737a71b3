/** What everything that works on images works with. */
import type { ContainerdClient } from '#proto/containerd-client';
import type { RegistryClient } from '#lib/registry/registry-client';
import { DocumentReader } from './documents.ts';
import { ImageCatalog } from './image-catalog.ts';
import { ImageContent } from './image-content.ts';
import type { ImageAction } from './image-events.ts';
import type { ImageUser } from './image-service.ts';
import { NameStore } from './name-store.ts';
import { Unpacker } from './unpack-image.ts';

export interface ImageServiceOptions {
  client: ContainerdClient;
  /** `overlayfs`, `native`, … */
  snapshotter: string;
  registry: RegistryClient;
  /** The containers that were created from an image. */
  usersOf: (imageId: string) => readonly ImageUser[];
  /** Told of everything that happens to images. */
  onEvent?(
    action: ImageAction,
    actorId: string,
    attributes: Readonly<Record<string, string>>,
  ): void;
}

export interface ImageParts extends ImageServiceOptions {
  readonly content: ImageContent;
  readonly documents: DocumentReader;
  readonly unpacker: Unpacker;
  readonly catalog: ImageCatalog;
  readonly names: NameStore;
}

export function createImageParts(options: ImageServiceOptions): ImageParts {
  const { client, snapshotter } = options;
  const content = new ImageContent(client);
  const documents = new DocumentReader(content);
  const unpacker = new Unpacker(client, content, snapshotter);
  const catalog = new ImageCatalog(client, documents, unpacker);
  return {
    ...options,
    content,
    documents,
    unpacker,
    catalog,
    names: new NameStore(client, catalog),
  };
}
