/** The body of `POST /containers/create`: a Config with a HostConfig and a NetworkingConfig inside. */
import { anything, optional, record, reject } from '#spec/json-decoder';
import { decodeContainerConfig } from '../../api/container-config.ts';
import { goObject } from '../../api/go-json.ts';
import { decodeHostConfig } from '../../api/host-config.ts';
import type { CreateBody } from './backend.ts';
import { decodeEndpoint } from './endpoint-settings.ts';

interface NetworkingConfig {
  EndpointsConfig?: Record<string, unknown>;
}

const decodeParts = goObject<{ HostConfig?: unknown; NetworkingConfig?: NetworkingConfig }>({
  HostConfig: optional(anything),
  NetworkingConfig: optional(
    goObject<NetworkingConfig>({ EndpointsConfig: optional(record(anything)) }),
  ),
});

/** Reads the body. Throws invalid_argument naming the field, unimplemented for what this engine does not have. */
export function decodeCreateBody(
  body: unknown,
): Pick<CreateBody, 'config' | 'hostConfig' | 'endpoints'> {
  if (body === undefined) reject('request body', 'is required');
  const config = decodeContainerConfig(body, 'Config');
  const { HostConfig, NetworkingConfig } = decodeParts(body, '');
  const endpoints = Object.entries(NetworkingConfig?.EndpointsConfig ?? {}).map(
    ([network, settings]) =>
      [network, decodeEndpoint(settings, `NetworkingConfig.EndpointsConfig.${network}`)] as const,
  );
  return {
    config,
    hostConfig: decodeHostConfig(HostConfig, 'HostConfig'),
    endpoints: Object.fromEntries(endpoints),
  };
}
