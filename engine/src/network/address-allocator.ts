/** The addresses of one subnet that containers have. */
import { StackError } from '#spec/errors';
import type { AddressFamily, Prefix } from './address-family.ts';

export class AddressAllocator<P extends Prefix> {
  readonly #family: AddressFamily<P>;
  readonly #subnet: P;
  readonly #range: P;
  readonly #used = new Set<P['address']>();
  /** Never given away. */
  readonly #kept: ReadonlySet<P['address']>;

  /**
   * @param gateway the bridge's address in the subnet; it is never given away, and neither is what can be no host's.
   * @param range where addresses that nobody asked for come from.
   * @param auxiliary addresses that are somebody else's.
   */
  constructor(
    family: AddressFamily<P>,
    gateway: P,
    range: P = family.networkOf(gateway),
    auxiliary: readonly P['address'][] = [],
  ) {
    this.#family = family;
    this.#subnet = family.networkOf(gateway);
    this.#range = family.networkOf(range);
    this.#kept = new Set([gateway.address, ...auxiliary]);
  }

  /** The lowest free address, as docker does. Throws resource_exhausted. */
  allocate(): P['address'] {
    const { lastOf, next, formatPrefix, name } = this.#family;
    const last = lastOf(this.#range);
    for (let address = this.#range.address; address <= last; address = next(address)) {
      if (!this.#isFree(address)) continue;
      this.#used.add(address);
      return address;
    }
    throw new StackError(
      'resource_exhausted',
      `no available ${name} addresses in subnet ${formatPrefix(this.#subnet)}`,
    );
  }

  /** Takes an address that a container asks for or has. Throws conflict when it is taken, invalid_argument outside. */
  reserve(address: P['address']): P['address'] {
    const { contains, format, formatPrefix } = this.#family;
    if (!contains(this.#subnet, address)) {
      throw new StackError(
        'invalid_argument',
        `invalid address ${format(address)}: it does not belong to ${formatPrefix(this.#subnet)}`,
      );
    }
    if (!this.#isFree(address)) {
      throw new StackError('conflict', `address ${format(address)} is in use`);
    }
    this.#used.add(address);
    return address;
  }

  release(address: P['address']): void {
    this.#used.delete(address);
  }

  #isFree(address: P['address']): boolean {
    if (this.#used.has(address) || this.#kept.has(address)) return false;
    return this.#family.hosts(this.#subnet, address);
  }
}
