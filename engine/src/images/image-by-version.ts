/** Fields that images have lost from one version of the API to the next. */
import { isAtLeast, type ApiVersion } from '../http/api-version.ts';
import type { ImageInspect, ImageSummary } from './api-types.ts';

/** By field, the version from which on it is gone. docker-compose 1 fails without `ContainerConfig`. */
const goneFrom = {
  VirtualSize: '1.44',
  Container: '1.45',
  ContainerConfig: '1.45',
} as const satisfies Record<string, ApiVersion>;

/** `image` as `version` of the API shows it. */
export function shapeImage<Image extends ImageInspect | ImageSummary>(
  image: Image,
  version: ApiVersion,
): Partial<Image> {
  const gone = new Set<string>(
    Object.entries(goneFrom)
      .filter(([, since]) => isAtLeast(version, since))
      .map(([field]) => field),
  );
  const left = Object.entries(image).filter(([field]) => !gone.has(field));
  return Object.fromEntries(left) as Partial<Image>;
}
