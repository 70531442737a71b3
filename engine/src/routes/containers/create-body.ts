/** The body of `POST /containers/create`: a Config with a HostConfig and a NetworkingConfig inside. */
import { anything, optional, record, reject } from '#spec/json-decoder';
import { StackError } from '#spec/errors';
import { decodeContainerConfig } from '../../api/container-config.ts';
import { goObject, isZero } from '../../api/go-json.ts';
import { decodeHostConfig } from '../../api/host-config.ts';
import type { CreateBody } from './backend.ts';

const decodeParts = goObject<{ HostConfig?: unknown; NetworkingConfig?: NetworkingConfig }>({
  HostConfig: optional(anything),
  NetworkingConfig: optional(
    goObject<NetworkingConfig>({ EndpointsConfig: optional(record(anything)) }),
  ),
});

interface NetworkingConfig {
  EndpointsConfig?: Record<string, unknown>;
}

/** Reads the body. Throws invalid_argument naming the field, unimplemented for what this engine does not have. */
export function decodeCreateBody(body: unknown): Omit<CreateBody, 'name'> {
  if (body === undefined) reject('request body', 'is required');
  const config = decodeContainerConfig(body, 'Config');
  const { HostConfig, NetworkingConfig } = decodeParts(body, '');
  const hostConfig = decodeHostConfig(HostConfig, 'HostConfig');
  const mac = endpointMac(NetworkingConfig?.EndpointsConfig ?? {}, hostConfig.NetworkMode);
  return {
    config: mac === '' ? config : { ...config, MacAddress: mac },
    hostConfig,
  };
}

/** The one thing that can be asked of the endpoint on a default network is its MAC address. */
function endpointMac(endpoints: Record<string, unknown>, networkMode: string): string {
  let mac = '';
  for (const [network, endpoint] of Object.entries(endpoints)) {
    if (!sameNetwork(network, networkMode)) {
      throw new StackError(
        'unimplemented',
        `NetworkingConfig: a second network ("${network}") is not implemented by this engine`,
      );
    }
    if (endpoint === null) continue;
    const settings = record(anything)(endpoint, `NetworkingConfig.EndpointsConfig.${network}`);
    for (const [key, value] of Object.entries(settings)) {
      if (isZero(value)) continue;
      if (key.toLowerCase() === 'macaddress' && typeof value === 'string') mac = value;
      else {
        throw new StackError(
          'unimplemented',
          `NetworkingConfig.EndpointsConfig.${network}.${key} is not implemented by this engine`,
        );
      }
    }
  }
  return mac;
}

function sameNetwork(name: string, networkMode: string): boolean {
  const plain = (text: string): string => (text === '' || text === 'default' ? 'bridge' : text);
  return plain(name) === plain(networkMode);
}
