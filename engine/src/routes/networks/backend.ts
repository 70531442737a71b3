/** What the network routes need of the daemon. */
import type { EndpointWish } from '../../daemon/container-endpoints.ts';
import type { Filters } from '../../http/query.ts';
import type { NetworkDescription } from '../../network/network-controller.ts';
import type { NetworkRequest } from '../../network/network-store.ts';

export interface NetworksBackend {
  networks(): NetworkDescription[];
  /** Throws not_found. */
  find(reference: string): NetworkDescription;
  containerName(id: string): string;
  create(request: NetworkRequest): Promise<NetworkDescription>;
  remove(reference: string): Promise<void>;
  /** Names of what was removed. */
  prune(filters: Filters): Promise<string[]>;
  connect(reference: string, container: string, wish: EndpointWish): Promise<void>;
  disconnect(reference: string, container: string, force: boolean): Promise<void>;
}
