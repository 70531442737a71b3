/** Images in the shapes of the Docker API. */
import type { ImageInspect, ImageSummary } from './api-types.ts';
import type { StoredImage } from './image-service.ts';

/** An element of `GET /images/json`. */
export function summaryOf(image: StoredImage, containers: number): ImageSummary {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Created: Math.floor(image.createdAt.getTime() / 1000),
    Size: image.sizeBytes,
    SharedSize: -1,
    Labels: image.config.config?.Labels ?? null,
    Containers: containers,
    Descriptor: image.target,
  };
}

/** `GET /images/{name}/json`. */
export function inspectOf(image: StoredImage, snapshotter: string, taggedAt: Date): ImageInspect {
  const { config } = image;
  const layers = config.rootfs.diff_ids;
  return {
    Id: image.id,
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    ...(config.created !== undefined && { Created: config.created }),
    DockerVersion: '',
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    ...(config['os.version'] !== undefined && { OsVersion: config['os.version'] }),
    Size: image.sizeBytes,
    GraphDriver: { Name: snapshotter, Data: null },
    RootFS: { Type: 'layers', ...(layers.length > 0 && { Layers: layers }) },
    Metadata: { LastTagTime: taggedAt.toISOString() },
    Descriptor: image.target,
  };
}
