/** User-defined networks on disk: one small file each under `<data-root>/network/networks`, replaced atomically. */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '#lib/atomic-file/atomic-file';
import type { LinkDriver, NetworkSubnet } from './network-controller.ts';

/** What a user asks of a new network; everything is checked. */
export interface NetworkRequest {
  readonly name: string;
  readonly driver: LinkDriver;
  readonly internal: boolean;
  readonly attachable: boolean;
  /** At most one; without it a subnet is chosen from the address pools. */
  readonly subnet: RequestedSubnet | undefined;
  readonly ipv6: boolean;
  /** At most one; without it a network with IPv6 gets one from the pools. */
  readonly ipv6Subnet: RequestedSubnet | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export interface RequestedSubnet {
  readonly subnet: string;
  /** The subnet's first host without it. */
  readonly gateway?: string;
  readonly ipRange?: string;
  readonly auxiliary?: Readonly<Record<string, string>>;
}

/** A network that exists. */
export interface StoredNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: LinkDriver;
  /** RFC 3339. */
  readonly created: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly subnet: NetworkSubnet;
  /** Absent for a network without IPv6. */
  readonly ipv6Subnet?: NetworkSubnet;
}

export class NetworkStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All networks, oldest first; creates the folder where it is missing. */
  load(): StoredNetwork[] {
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o710 });
    return fs
      .readdirSync(this.#folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => {
        const text = fs.readFileSync(path.join(this.#folder, file), 'utf8');
        // Written by save, never half a file; earlier versions had bridges only.
        return {
          driver: 'bridge',
          ...(JSON.parse(text) as Partial<StoredNetwork>),
        } as StoredNetwork;
      })
      .sort((a, b) => (a.created < b.created ? -1 : 1));
  }

  async save(network: StoredNetwork): Promise<void> {
    await writeFileAtomic(this.#fileOf(network.id), JSON.stringify(network), { durable: true });
  }

  async delete(id: string): Promise<void> {
    await fs.promises.rm(this.#fileOf(id), { force: true });
  }

  #fileOf(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }
}
