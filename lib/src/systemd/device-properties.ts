/** Device rules as systemd's DevicePolicy and DeviceAllow. */
import fs from 'node:fs';
import { errorCode } from '#spec/errors';
import type { DeviceRule } from '#spec/oci/resources';
import type { Property } from './manager.ts';

/**
 * systemd knows a list of what is allowed, and no refusals in between: rules that refuse what an earlier one allowed
 * are enforced by the cgroup itself (the runtime sets them, too), and here only take back what they name exactly.
 */
export function deviceProperties(rules: readonly DeviceRule[]): Property[] {
  const allowed = new Map<string, string>();
  let everything = true; // where there are no rules, all is allowed
  for (const { allow, type = 'a', major, minor, access = 'rwm' } of rules) {
    if (type === 'a') {
      everything = allow;
      allowed.clear();
      continue;
    }
    if (everything && allow) continue;
    const node = nodeName(type, major, minor);
    if (node === undefined) continue;
    const before = allowed.get(node) ?? '';
    const now = ['r', 'w', 'm']
      .filter((letter) => (access.includes(letter) ? allow : before.includes(letter)))
      .join('');
    if (now === '') allowed.delete(node);
    else allowed.set(node, now);
  }
  if (everything) {
    return [
      ['DevicePolicy', { signature: 's', value: 'auto' }],
      ['DeviceAllow', { signature: 'a(ss)', value: [] }],
    ];
  }
  return [
    ['DevicePolicy', { signature: 's', value: 'strict' }],
    ['DeviceAllow', { signature: 'a(ss)', value: [] }], // forgets what was set before
    ['DeviceAllow', { signature: 'a(ss)', value: [...allowed] }],
  ];
}

/** systemd's name for a device or a group of them; undefined for a driver that this kernel does not have. */
function nodeName(
  type: string,
  major: number | undefined,
  minor: number | undefined,
): string | undefined {
  const kind = type === 'b' ? 'block' : 'char';
  const anyMajor = major === undefined || major === -1;
  const anyMinor = minor === undefined || minor === -1;
  if (anyMajor) return anyMinor ? `${kind}-*` : undefined; // systemd cannot say "minor 5 of any driver"
  if (!anyMinor) return `/dev/${kind}/${major}:${minor}`;
  const driver = driverName(kind, major);
  return driver && `${kind}-${driver}`;
}

/** From /proc/devices. */
function driverName(kind: 'block' | 'char', major: number): string | undefined {
  let text: string;
  try {
    text = fs.readFileSync('/proc/devices', 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const [characters = '', blocks = ''] = text.split('Block devices:');
  const lines = kind === 'block' ? blocks : characters;
  return new RegExp(`^\\s*${major} (\\S+)$`, 'm').exec(lines)?.[1];
}
