/** Events of networks, with the attributes docker gives them. */
import type { NetworkDescription } from '../network/network-controller.ts';
import type { Engine } from './engine.ts';

type EventNetwork = Pick<NetworkDescription, 'id' | 'name' | 'driver'>;

/** Publishes an event of a network; `container` is the id of the one that comes or goes. */
export function publishNetworkEvent(
  { events }: Pick<Engine, 'events'>,
  { id, name, driver }: EventNetwork,
  action: string,
  container?: string,
): void {
  events.publish('network', action, id, {
    ...(container !== undefined && { container }),
    name,
    type: driver,
  });
}

/** Publishes that a container has come into its networks, host and none among them. */
export function publishJoined(engine: Pick<Engine, 'events' | 'network'>, container: string): void {
  for (const network of networksOf(engine, container)) {
    publishNetworkEvent(engine, network, 'connect', container);
  }
}

/** Takes a container out of its networks, if it is in any. */
export async function leaveNetworks(
  engine: Pick<Engine, 'events' | 'network'>,
  container: string,
): Promise<void> {
  const left = networksOf(engine, container);
  await engine.network.tearDown(container);
  for (const network of left) publishNetworkEvent(engine, network, 'disconnect', container);
}

function networksOf({ network }: Pick<Engine, 'network'>, container: string): EventNetwork[] {
  const { endpoints = [] } = network.get(container) ?? {};
  return endpoints.flatMap(({ networkId: id, networkName: name }) => {
    const driver = network.driverOf(id);
    return driver === undefined ? [] : [{ id, name, driver }];
  });
}
