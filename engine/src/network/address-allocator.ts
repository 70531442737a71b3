/** The addresses of one subnet that containers have. */
import {
  broadcastOf,
  formatIpv4,
  formatIpv4Prefix,
  networkOf,
  overlaps,
  type Ipv4Prefix,
} from '#lib/netlink/ipv4';
import { StackError } from '#spec/errors';

export class AddressAllocator {
  readonly #gateway: Ipv4Prefix;
  readonly #range: Ipv4Prefix;
  readonly #used = new Set<number>();
  /** Never given away. */
  readonly #kept: ReadonlySet<number>;

  /**
   * @param gateway the bridge's address in the subnet; it and the subnet's first and last are never given away.
   * @param range where addresses that nobody asked for come from.
   * @param auxiliary addresses that are somebody else's.
   */
  constructor(
    gateway: Ipv4Prefix,
    range: Ipv4Prefix = networkOf(gateway),
    auxiliary: readonly number[] = [],
  ) {
    this.#gateway = gateway;
    this.#range = range;
    const subnet = networkOf(gateway);
    this.#kept = new Set([gateway.address, subnet.address, broadcastOf(subnet), ...auxiliary]);
  }

  /** The lowest free address, as docker does. Throws resource_exhausted. */
  allocate(): number {
    const last = broadcastOf(this.#range);
    for (let address = networkOf(this.#range).address; address <= last; address++) {
      if (this.#used.has(address) || this.#kept.has(address)) continue;
      this.#used.add(address);
      return address;
    }
    throw new StackError(
      'resource_exhausted',
      `no available IPv4 addresses in subnet ${formatIpv4Prefix(networkOf(this.#gateway))}`,
    );
  }

  /** Takes an address that a container asks for or has. Throws conflict when it is taken, invalid_argument outside. */
  reserve(address: number): number {
    const subnet = networkOf(this.#gateway);
    if (!overlaps(subnet, { address, length: 32 })) {
      throw new StackError(
        'invalid_argument',
        `invalid address ${formatIpv4(address)}: it does not belong to ${formatIpv4Prefix(subnet)}`,
      );
    }
    if (this.#used.has(address) || this.#kept.has(address)) {
      throw new StackError('conflict', `address ${formatIpv4(address)} is in use`);
    }
    this.#used.add(address);
    return address;
  }

  release(address: number): void {
    this.#used.delete(address);
  }
}
