/** A network that containers have links in: a bridge, or a link of the host that theirs stand on. */
import { formatIpv4 } from '#lib/netlink/ipv4';
import { formatIpv6 } from '#lib/netlink/ipv6';
import type { SandboxLink } from '../kernel/sandbox-link.ts';
import type { AddressPair, NetworkAddresses } from './network-addresses.ts';
import type { Endpoint } from './network-controller.ts';
import type { SandboxHandle } from './sandboxes.ts';

/** What a container may ask of its link. */
export interface LinkWishes extends Partial<AddressPair> {
  readonly mac?: string;
}

/** A link that exists, and the namespace it is in. */
export type LinkPlace = Pick<
  Endpoint,
  'ipAddress' | 'ipv6Address' | 'hostLink' | 'interfaceName'
> & {
  readonly sandboxKey: string;
};

/** A network that was started. */
export interface LinkedNetwork {
  readonly addresses: NetworkAddresses;

  /** A new namespace with eth0. Throws resource_exhausted, conflict for an address that is taken, invalid_argument. */
  connect(wishes: LinkWishes): Promise<SandboxHandle>;

  /** Gives the namespace at `path` a further link. Throws as {@link connect}. */
  attach(path: string, interfaceName: string, wishes: LinkWishes): Promise<SandboxLink>;

  /** Deletes a link while its namespace lives on. */
  detach(place: LinkPlace): Promise<void>;

  /** Call before the namespace of a link goes: its addresses are free when the link is gone. */
  letGo(place: LinkPlace): Promise<void>;

  /** Starts to prepare namespaces; call it when what an earlier run left is adopted or gone. */
  prepare(): void;

  /** Ends background work. */
  stop(): Promise<void>;

  /** Takes away what this engine created, and its rules. The caller has stopped it. */
  remove(): Promise<void>;

  /** Takes away the links that this engine created, when its rules are gone or going. */
  removeLinks(): Promise<void>;
}

/** The fields of an endpoint that a link gives it. */
export function linkFields({
  attachment,
  ipv4,
  ipv6,
}: SandboxLink): Pick<
  Endpoint,
  | 'ipAddress'
  | 'prefixLength'
  | 'gateway'
  | 'ipv6Address'
  | 'ipv6PrefixLength'
  | 'ipv6Gateway'
  | 'macAddress'
  | 'hostLink'
> {
  const mac = attachment.kind === 'bridge' ? attachment.mac : macOf(attachment.how);
  return {
    ...addressesOf(ipv4.address, ipv6?.address),
    prefixLength: ipv4.address.length,
    gateway: ipv4.gateway === undefined ? '' : formatIpv4(ipv4.gateway),
    ipv6PrefixLength: ipv6?.address.length ?? 0,
    ipv6Gateway: ipv6?.gateway === undefined ? '' : formatIpv6(ipv6.gateway),
    macAddress: mac,
    hostLink: attachment.kind === 'bridge' ? attachment.hostName : '',
  };
}

/** Addresses of a link as text. */
export function addressesOf(
  ipv4: { readonly address: number },
  ipv6: { readonly address: bigint } | undefined,
): AddressPair {
  return {
    ipAddress: formatIpv4(ipv4.address),
    ipv6Address: ipv6 ? formatIpv6(ipv6.address) : '',
  };
}

/** Links of ipvlan have their parent's. */
function macOf(how: { readonly kind: string; readonly mac?: string }): string {
  return how.mac ?? '';
}
