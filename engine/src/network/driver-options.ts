/** Options of networks (`network create -o`), by driver: what may stand there, and what it means. */
import { isIPv4 } from 'node:net';
import {
  ipvlanFlags,
  ipvlanModes,
  macvlanModes,
  type StackedKind,
} from '#lib/netlink/virtual-link';
import { StackError } from '#spec/errors';
import type { LinkDriver } from './network-controller.ts';

export type DriverOptions = Readonly<Record<string, string>>;

const bridgePrefix = 'com.docker.network.bridge';
const linkName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
/** What Go's strconv.ParseBool takes. */
const booleans = /^(1|0|t|f|T|F|true|false|TRUE|FALSE|True|False)$/;
const truths = /^(1|t|T|true|TRUE|True)$/;
const mtu = (value: string): boolean =>
  /^\d{1,5}$/.test(value) && Number(value) >= 68 && Number(value) <= 65535;
const oneOf =
  (values: object) =>
  (value: string): boolean =>
    Object.hasOwn(values, value);

/** By driver, the options that are honoured, and whether a value may stand there. */
const known: Readonly<Record<LinkDriver, Readonly<Record<string, (value: string) => boolean>>>> = {
  bridge: {
    [`${bridgePrefix}.name`]: (value) => linkName.test(value),
    'com.docker.network.driver.mtu': mtu,
    [`${bridgePrefix}.enable_icc`]: (value) => booleans.test(value),
    [`${bridgePrefix}.enable_ip_masquerade`]: (value) => booleans.test(value),
    [`${bridgePrefix}.host_binding_ipv4`]: isIPv4,
    [`${bridgePrefix}.gateway_mode_ipv4`]: (value) => value === 'nat',
    [`${bridgePrefix}.gateway_mode_ipv6`]: (value) => value === 'nat',
  },
  macvlan: {
    parent: (value) => linkName.test(value),
    macvlan_mode: oneOf(macvlanModes),
    'com.docker.network.driver.mtu': mtu,
  },
  ipvlan: {
    parent: (value) => linkName.test(value),
    ipvlan_mode: oneOf(ipvlanModes),
    ipvlan_flag: oneOf(ipvlanFlags),
    'com.docker.network.driver.mtu': mtu,
  },
};

/** Throws unimplemented for an option that is not honoured, invalid_argument for a value that makes no sense. */
export function checkDriverOptions(driver: LinkDriver, options: DriverOptions): void {
  for (const [key, value] of Object.entries(options)) {
    const isValid = Object.hasOwn(known[driver], key) ? known[driver][key] : undefined;
    if (!isValid) {
      throw new StackError(
        'unimplemented',
        `network option ${key} is not implemented by this engine`,
      );
    }
    if (!isValid(value)) {
      throw new StackError('invalid_argument', `invalid value "${value}" of network option ${key}`);
    }
  }
}

/** The MTU that was asked for. */
export function mtuOf(options: DriverOptions): number | undefined {
  const value = options['com.docker.network.driver.mtu'];
  return value === undefined ? undefined : Number(value);
}

/** As docker names it, unless the user does. */
export function bridgeName(id: string, options: DriverOptions): string {
  return options[`${bridgePrefix}.name`] ?? `br-${id.slice(0, 12)}`;
}

/** What a bridge network does with packets. */
export function bridgeTraits(options: DriverOptions): {
  icc: boolean;
  masquerade: boolean;
  hostAddress: string;
} {
  const isTrue = (name: string): boolean => truths.test(options[`${bridgePrefix}.${name}`] ?? '1');
  return {
    icc: isTrue('enable_icc'),
    masquerade: isTrue('enable_ip_masquerade'),
    hostAddress: options[`${bridgePrefix}.host_binding_ipv4`] ?? '',
  };
}

/** What links of containers stand on, and how. */
export function parentOf(
  driver: 'macvlan' | 'ipvlan',
  id: string,
  options: DriverOptions,
): { parent: string; isSink: boolean; how: StackedKind } {
  const { parent } = options;
  // checkDriverOptions has seen the values.
  const how: StackedKind =
    driver === 'macvlan'
      ? { kind: driver, mode: (options.macvlan_mode ?? 'bridge') as keyof typeof macvlanModes }
      : {
          kind: driver,
          mode: (options.ipvlan_mode ?? 'l2') as keyof typeof ipvlanModes,
          flag: (options.ipvlan_flag ?? 'bridge') as keyof typeof ipvlanFlags,
        };
  const sink = `${driver === 'macvlan' ? 'dm' : 'di'}-${id.slice(0, 12)}`;
  return { parent: parent ?? sink, isSink: parent === undefined, how };
}
