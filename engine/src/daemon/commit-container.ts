/** `POST /commit`: a new image from a container. */
import type { ImageExecutionConfig } from '#spec/oci/image';
import { formatFamiliar, parseReference, withDefaultTag } from '#spec/reference';
import type { Container } from './container.ts';
import type { ContainerConfig } from '../api/container-config.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import { applyChanges } from '../images/apply-changes.ts';
import { withImageMounts } from './root-mounts.ts';
import { pauseContainer, unpauseContainer } from './stop-container.ts';

export interface CommitOptions {
  /** `name:tag`; empty for an image without a name. */
  reference: string;
  comment: string;
  author: string;
  /** Whether a running container stands still meanwhile. */
  pause: boolean;
  changes: readonly string[];
  /** What the body of the request says beside the container's own configuration. */
  config: Partial<ContainerConfig>;
}

/** Returns the new image's id. Throws invalid_argument for the reference or a change. */
export async function commitContainer(
  engine: Engine,
  container: Container,
  { reference, comment, author, pause, changes, config: asked }: CommitOptions,
): Promise<string> {
  const { images } = engine;
  const { record } = container;
  const { imageId } = record;
  const config = applyChanges(executionConfig({ ...record.config, ...asked }), changes);
  const pauses = pause && container.state.status === 'running';
  if (pauses) await pauseContainer(engine, container);
  try {
    const createdBy = [...(record.config.Entrypoint ?? []), ...(record.config.Cmd ?? [])].join(' ');
    const described = { config, author, comment, createdBy };
    const id = await withImageMounts(engine, record, (mounts) =>
      images.commit(imageId, { mounts, ...described, ...(reference !== '' && { reference }) }),
    );
    publishContainerEvent(engine, container, 'commit', {
      comment,
      imageID: id,
      imageRef: reference === '' ? '' : formatFamiliar(withDefaultTag(parseReference(reference))),
    });
    return id;
  } finally {
    if (pauses) await unpauseContainer(engine, container);
  }
}

/** What of a container's configuration is an image's. */
function executionConfig(config: ContainerConfig): ImageExecutionConfig {
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels } = config;
  const { StopSignal, StopTimeout, Healthcheck, Shell } = config;
  return {
    ...(User !== '' && { User }),
    ...(ExposedPorts && { ExposedPorts }),
    Env: Env ?? [],
    ...(Entrypoint && { Entrypoint }),
    ...(Cmd && { Cmd }),
    ...(Volumes && { Volumes }),
    ...(WorkingDir !== '' && { WorkingDir }),
    ...(Object.keys(Labels).length > 0 && { Labels }),
    ...(StopSignal !== undefined && { StopSignal }),
    ...(StopTimeout !== undefined && { StopTimeout }),
    ...(Healthcheck && { Healthcheck }),
    ...(Shell && { Shell }),
  };
}
