/** Options of the local volume driver: `type`, `o` and `device`, as mount(8) takes them. */
import dns from 'node:dns/promises';
import net from 'node:net';
import type { MountSpecification } from '#lib/mounts/mount-with-options';
import { messageOf, StackError } from '#spec/errors';

export type DriverOptions = Readonly<Record<string, string>>;

/** Throws invalid_argument in docker's words for options that no mount can be made of. */
export function checkDriverOptions(options: DriverOptions): void {
  for (const name of Object.keys(options)) {
    if (name === 'size') {
      throw new StackError(
        'invalid_argument',
        'quota size requested but no quota support: the local driver of this engine has no "size"',
      );
    }
    if (!['type', 'o', 'device'].includes(name)) {
      throw new StackError('invalid_argument', `invalid option: "${name}"`);
    }
  }
  if (!isMounted(options)) return;
  for (const name of ['type', 'device'] as const) {
    // A bind mount has no type.
    if (!options[name] && !(name === 'type' && bindOf(options))) {
      throw new StackError('invalid_argument', `missing required option: "${name}"`);
    }
  }
}

/** Whether a volume with these options is a mount rather than a folder. */
export function isMounted(options: DriverOptions): boolean {
  return Object.values(options).some((value) => value !== '');
}

function bindOf(options: DriverOptions): boolean {
  return (options['o'] ?? '').split(',').some((word) => word === 'bind' || word === 'rbind');
}

/**
 * The mount that the volume is. Host names in `addr=` of network file systems are resolved here, because the kernel takes
 * addresses only. Throws not_found when that fails.
 */
export async function driverMount(options: DriverOptions): Promise<MountSpecification> {
  const words = (options['o'] ?? '').split(',').filter((word) => word !== '');
  return {
    type: options['type'] || 'none',
    source: options['device'] ?? 'none',
    options: await Promise.all(words.map(withAddress)),
  };
}

async function withAddress(word: string): Promise<string> {
  const [key, host] = word.split('=', 2);
  if (key !== 'addr' || host === undefined || net.isIP(host) !== 0) return word;
  try {
    const { address } = await dns.lookup(host);
    return `addr=${address}`;
  } catch (error) {
    throw new StackError('not_found', `error resolving passed in address: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
