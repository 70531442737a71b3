/** CapAdd and CapDrop on top of docker's default set. */
import fs from 'node:fs';
import { capabilityNames, capabilityNumber, defaultCapabilities } from '#spec/capabilities';
import { StackError } from '#spec/errors';

/** What this process may hand on, by name. Asked once: a bounding set only shrinks. */
export function hostCapabilities(): ReadonlySet<string> {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const mask = (field: string): bigint =>
    BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
  const available = mask('CapBnd') & mask('CapPrm');
  return new Set(capabilityNames.filter((_, number) => (available >> BigInt(number)) & 1n));
}

export interface CapabilityRequest {
  add: readonly string[];
  drop: readonly string[];
  privileged: boolean;
}

/**
 * The capabilities of a container, in the kernel's order. `ALL` means all that the host has. A capability asked for
 * by name that the host lacks is refused (permission_denied); an unknown name is invalid_argument.
 */
export function containerCapabilities(
  { add, drop, privileged }: CapabilityRequest,
  host: ReadonlySet<string> = hostCapabilities(),
): string[] {
  const added = normalize(add);
  const dropped = normalize(drop);
  if (privileged) return [...host];
  for (const name of added) {
    if (name !== 'ALL' && !host.has(name)) {
      throw new StackError(
        'permission_denied',
        `HostConfig.CapAdd: the engine itself does not hold ${name} and cannot give it to a container`,
      );
    }
  }
  const base = dropped.has('ALL') ? [] : added.has('ALL') ? host : defaultCapabilities;
  // ALL on both sides: everything is dropped, then what was added by name is back.
  const wanted = new Set([
    ...base,
    ...(added.has('ALL') && !dropped.has('ALL') ? host : []),
    ...added,
  ]);
  return capabilityNames.filter(
    (name) => wanted.has(name) && host.has(name) && !(dropped.has(name) && !dropped.has('ALL')),
  );
}

/** `net_admin`, `NET_ADMIN` and `CAP_NET_ADMIN` are the same. */
function normalize(names: readonly string[]): Set<string> {
  return new Set(
    names.map((text) => {
      const upper = text.trim().toUpperCase();
      if (upper === 'ALL') return upper;
      const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
      if (capabilityNumber(name) === undefined) {
        throw new StackError('invalid_argument', `invalid capability: "${text}"`);
      }
      return name;
    }),
  );
}
