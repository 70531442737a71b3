/** The addresses of one subnet that containers have. */
import {
  broadcastOf,
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { StackError } from '#spec/errors';

export class AddressAllocator {
  readonly #gateway: Ipv4Prefix;
  readonly #used = new Set<number>();

  /** @param gateway the bridge's address in the subnet; it and the subnet's first and last are never given away. */
  constructor(gateway: Ipv4Prefix) {
    this.#gateway = gateway;
    this.#used.add(gateway.address);
  }

  /** The lowest free address, as docker does. Throws resource_exhausted. */
  allocate(): number {
    const last = broadcastOf(this.#gateway);
    for (let address = networkOf(this.#gateway).address + 1; address < last; address++) {
      if (this.#used.has(address)) continue;
      this.#used.add(address);
      return address;
    }
    throw new StackError(
      'resource_exhausted',
      `no available IPv4 addresses in subnet ${formatIpv4Prefix(networkOf(this.#gateway))}`,
    );
  }

  /** Marks an address that a container has from an earlier run. Throws conflict when it is taken. */
  reserve(address: number): void {
    if (this.#used.has(address)) {
      throw new StackError('conflict', `address ${formatIpv4(address)} is in use`);
    }
    this.#used.add(address);
  }

  release(address: number): void {
    if (address !== this.#gateway.address) this.#used.delete(address);
  }
}
