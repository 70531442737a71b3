/** Options of the local volume driver: `type`, `o` and `device`, as mount(8) takes them. */
import dns from 'node:dns/promises';
import net from 'node:net';
import { mountFlags } from '#lib/sys/flags';
import type { MountArguments } from '#lib/sys/mount';
import { messageOf, StackError } from '#spec/errors';

export type DriverOptions = Readonly<Record<string, string>>;

/** Words of `o` that are flags of mount(2), with what they set or clear. */
const words: Readonly<Record<string, { set?: number; clear?: number }>> = {
  defaults: {},
  ro: { set: mountFlags.MS_RDONLY },
  rw: { clear: mountFlags.MS_RDONLY },
  nosuid: { set: mountFlags.MS_NOSUID },
  suid: { clear: mountFlags.MS_NOSUID },
  nodev: { set: mountFlags.MS_NODEV },
  dev: { clear: mountFlags.MS_NODEV },
  noexec: { set: mountFlags.MS_NOEXEC },
  exec: { clear: mountFlags.MS_NOEXEC },
  sync: { set: mountFlags.MS_SYNCHRONOUS },
  async: { clear: mountFlags.MS_SYNCHRONOUS },
  dirsync: { set: mountFlags.MS_DIRSYNC },
  noatime: { set: mountFlags.MS_NOATIME },
  atime: { clear: mountFlags.MS_NOATIME },
  nodiratime: { set: mountFlags.MS_NODIRATIME },
  relatime: { set: mountFlags.MS_RELATIME },
  strictatime: { set: mountFlags.MS_STRICTATIME },
  bind: { set: mountFlags.MS_BIND },
  rbind: { set: mountFlags.MS_BIND | mountFlags.MS_REC },
};

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
 * The call of mount(2) that puts the volume on `target`. Host names in `addr=` of network file systems are resolved
 * here, because the kernel takes addresses only. Throws not_found when that fails.
 */
export async function driverMount(options: DriverOptions, target: string): Promise<MountArguments> {
  let flags = 0;
  const data: string[] = [];
  for (const word of (options['o'] ?? '').split(',').filter((item) => item !== '')) {
    const known = Object.hasOwn(words, word) ? words[word] : undefined;
    if (known) flags = (flags | (known.set ?? 0)) & ~(known.clear ?? 0);
    else data.push(await withAddress(word));
  }
  return {
    source: options['device'] ?? 'none',
    target,
    type: options['type'] || 'none',
    flags,
    data: data.length > 0 ? data.join(',') : null,
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
