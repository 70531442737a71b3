/** The resources in the config.json that containerd keeps for a container. */
import { jsonTypes, packJson, unpackJson } from '#proto/any';
import type { Resources } from '#spec/oci/resources';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/** Replaces all resources but the devices, for whoever reads the spec; the next start compiles it anew. */
export async function withSpecResources(
  { client }: Engine,
  { id }: Container,
  resources: Resources,
): Promise<void> {
  const { container } = await client.containers.get({ id });
  if (!container?.spec) return;
  // Written by us, in create-container.ts or start-container.ts.
  const spec = unpackJson(container.spec) as RuntimeConfig;
  const devices = spec.linux?.resources?.devices;
  const changed = {
    ...spec,
    linux: { ...spec.linux, resources: { ...resources, ...(devices && { devices }) } },
  };
  await client.containers.update({
    container: { id, spec: packJson(jsonTypes.spec, changed) },
    updateMask: { paths: ['spec'] },
  });
}
