/** Manifests as registries hand them out, and docker's sentences for those that they do not. */
import { StackError } from '#spec/errors';
import { mediaTypes } from '#spec/oci/image';
import { defaultDomain, familiarName, formatFamiliar, type ImageReference } from '#spec/reference';
import { RegistryError } from './registry-error.ts';

/** Types of manifests and indexes that are understood. */
export const manifestTypes: readonly string[] = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
];

/** Docker's sentences for images that cannot be had. */
export function explained(error: unknown, reference: ImageReference): unknown {
  if (!(error instanceof StackError)) return error;
  const name = familiarName(reference);
  const code =
    error instanceof RegistryError
      ? error.code
      : (error.cause as { code?: unknown } | undefined)?.code;
  const options = { cause: error };
  if (code === 'DENIED' || (code === 'UNAUTHORIZED' && reference.domain === defaultDomain)) {
    const message = `pull access denied for ${name}, repository does not exist or may require 'docker login': ${error.message}`;
    return new StackError('not_found', message, options);
  }
  if (code === 'NAME_UNKNOWN') {
    return new StackError('not_found', `repository ${name} not found: ${error.message}`, options);
  }
  if (error.kind === 'not_found') {
    const message = `manifest for ${formatFamiliar(reference)} not found: ${error.message}`;
    return new StackError('not_found', message, options);
  }
  return error;
}

/** The type that a manifest has: what it says itself, else what the registry says. Throws for the kinds that are no longer used. */
export function manifestTypeOf(content: Buffer, contentType: string): string {
  let own: unknown;
  try {
    const document: unknown = JSON.parse(content.toString('utf8'));
    own =
      typeof document === 'object' && document !== null && 'mediaType' in document
        ? document.mediaType
        : undefined;
  } catch (error) {
    throw new StackError('data_loss', 'the registry answers with a manifest that is not JSON', {
      cause: error,
    });
  }
  const type = typeof own === 'string' && own !== '' ? own : contentType;
  if (manifestTypes.includes(type)) return type;
  if (type.includes('manifest.v1') && type.includes('docker')) {
    throw new StackError('unimplemented', 'image manifests of schema version 1 are not supported');
  }
  throw new StackError('unimplemented', `unsupported media type "${type}" of a manifest`);
}
