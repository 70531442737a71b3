/** The addresses of one IPv6 subnet that containers have. */
import {
  formatIpv6,
  formatIpv6Prefix,
  lastOfIpv6,
  networkOfIpv6,
  overlapsIpv6,
  type Ipv6Prefix,
} from '#lib/netlink/ipv6';
import { StackError } from '#spec/errors';

export class Ipv6Allocator {
  readonly #gateway: Ipv6Prefix;
  readonly #range: Ipv6Prefix;
  readonly #used = new Set<bigint>();
  /** Never given away. */
  readonly #kept: ReadonlySet<bigint>;

  /**
   * @param gateway it and the subnet's first address, which means any router, are never given away.
   * @param range where addresses that nobody asked for come from.
   * @param auxiliary addresses that are somebody else's.
   */
  constructor(
    gateway: Ipv6Prefix,
    range: Ipv6Prefix = networkOfIpv6(gateway),
    auxiliary: readonly bigint[] = [],
  ) {
    this.#gateway = gateway;
    this.#range = range;
    this.#kept = new Set([gateway.address, networkOfIpv6(gateway).address, ...auxiliary]);
  }

  /** The lowest free address. Throws resource_exhausted. */
  allocate(): bigint {
    const last = lastOfIpv6(this.#range);
    for (let address = networkOfIpv6(this.#range).address; address <= last; address++) {
      if (this.#used.has(address) || this.#kept.has(address)) continue;
      this.#used.add(address);
      return address;
    }
    throw new StackError(
      'resource_exhausted',
      `no available IPv6 addresses in subnet ${formatIpv6Prefix(networkOfIpv6(this.#gateway))}`,
    );
  }

  /** Takes an address that a container asks for or has. Throws conflict when it is taken, invalid_argument outside. */
  reserve(address: bigint): bigint {
    const subnet = networkOfIpv6(this.#gateway);
    if (!overlapsIpv6(subnet, { address, length: 128 })) {
      throw new StackError(
        'invalid_argument',
        `invalid address ${formatIpv6(address)}: it does not belong to ${formatIpv6Prefix(subnet)}`,
      );
    }
    if (this.#used.has(address) || this.#kept.has(address)) {
      throw new StackError('conflict', `address ${formatIpv6(address)} is in use`);
    }
    this.#used.add(address);
    return address;
  }

  release(address: bigint): void {
    this.#used.delete(address);
  }
}
