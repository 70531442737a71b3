/** Images in the shapes of the Docker API. */
import type { ImageExecutionConfig } from '#spec/oci/image';
import type { ImageInspect, ImageSummary, InspectConfig } from './api-types.ts';
import type { StoredImage } from './image-service.ts';

/** What Go writes for a time that was never set. */
const zeroTime = '0001-01-01T00:00:00Z';

/** An element of `GET /images/json`. */
export function summaryOf(image: StoredImage, containers: number): ImageSummary {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Created: Math.floor(image.createdAt.getTime() / 1000),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    SharedSize: -1,
    Labels: image.config.config?.Labels ?? null,
    Containers: containers,
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
    Created: config.created ?? zeroTime,
    Container: '',
    ContainerConfig: inspectConfigOf({}),
    DockerVersion: '',
    Author: config.author ?? '',
    Config: inspectConfigOf(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    ...(config['os.version'] !== undefined && { OsVersion: config['os.version'] }),
    Size: image.sizeBytes,
    VirtualSize: image.sizeBytes,
    GraphDriver: { Name: snapshotter, Data: null },
    RootFS: { Type: 'layers', ...(layers.length > 0 && { Layers: layers }) },
    Metadata: { LastTagTime: taggedAt.toISOString() },
  };
}

/** Keys that Go leaves out when they are empty appear only where the image sets them. */
function inspectConfigOf(config: ImageExecutionConfig): InspectConfig {
  const { ExposedPorts, Healthcheck, ArgsEscaped, StopSignal, StopTimeout, Shell } = config;
  return {
    Hostname: '',
    Domainname: '',
    User: config.User ?? '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(ExposedPorts && { ExposedPorts }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: config.Env ?? null,
    Cmd: config.Cmd ?? null,
    ...(Healthcheck && { Healthcheck }),
    ...(ArgsEscaped === true && { ArgsEscaped }),
    Image: '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? null,
    ...(StopSignal !== undefined && StopSignal !== '' && { StopSignal }),
    ...(StopTimeout !== undefined && { StopTimeout }),
    ...(Shell && { Shell }),
  };
}
