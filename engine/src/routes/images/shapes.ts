/** Images in the shapes of older API versions. */
import { isAtLeast, type ApiVersion } from '../../http/api-version.ts';
import type { ImageInspect, ImageSummary } from '../../images/api-types.ts';

/** An element of `GET /images/json`. */
export function summaryFor(summary: ImageSummary, version: ApiVersion): object {
  const { Descriptor: descriptor, ...rest } = summary;
  const isNameless = summary.RepoTags.length === 0 && summary.RepoDigests.length === 0;
  return {
    ...rest,
    ...(!isAtLeast(version, '1.43') &&
      isNameless && { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }),
    ...(!isAtLeast(version, '1.44') && { VirtualSize: summary.Size }),
    ...(isAtLeast(version, '1.48') && { Descriptor: descriptor }),
    ...(!isAtLeast(version, '1.51') && { Containers: -1 }),
  };
}

/** What Go writes for a time that was never set. */
const zeroTime = '0001-01-01T00:00:00Z';

/** Fields of Config that are always there. */
const config = {
  Cmd: null,
  Entrypoint: null,
  Env: null,
  Labels: null,
  OnBuild: null,
  User: '',
  Volumes: null,
  WorkingDir: '',
};

/** Fields of Config that a container has and an image has not; always there before API 1.50. */
const containerConfig = {
  AttachStderr: false,
  AttachStdin: false,
  AttachStdout: false,
  Domainname: '',
  Hostname: '',
  Image: '',
  OpenStdin: false,
  StdinOnce: false,
  Tty: false,
};

/** `GET /images/{name}/json`. */
export function inspectFor(image: ImageInspect, version: ApiVersion): object {
  const { Descriptor: descriptor, ...rest } = image;
  const isOld = !isAtLeast(version, '1.50');
  return {
    ...rest,
    Config: { ...config, ...(isOld && containerConfig), ...image.Config },
    ...(!isAtLeast(version, '1.44') && {
      VirtualSize: image.Size,
      Created: image.Created ?? zeroTime,
    }),
    // The container that an image was committed from: none says so here. docker-compose 1 fails without it.
    ...(!isAtLeast(version, '1.45') && {
      Container: '',
      ContainerConfig: { ...config, ...containerConfig },
    }),
    ...(isAtLeast(version, '1.48') && { Descriptor: descriptor }),
  };
}
