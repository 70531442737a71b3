/** Directory trees behind the mounts of a snapshot: mounted only where the mounts alone do not say enough. */
import fs from 'node:fs';
import path from 'node:path';
import { mountWithOptions, type MountSpecification } from '#lib/mounts/mount-with-options';
import { cloneFlags, mountFlags } from '#lib/sys/flags';
import { mount } from '#lib/sys/mount';
import { unshare } from '#lib/sys/namespace';

let hasOwnMounts = false;

/** Whether this thread has left the mount namespace of the process, and so has to end. */
export function threadHasOwnMounts(): boolean {
  return hasOwnMounts;
}

/**
 * The directories that the mounts lay over each other, the uppermost first; none for no mounts. Undefined where only the
 * kernel knows.
 */
export function layersOf(mounts: readonly MountSpecification[]): string[] | undefined {
  const [only, ...others] = mounts;
  if (!only) return [];
  if (others.length > 0) return undefined;
  if (isBind(only)) return [only.source];
  const lower = optionOf(only, 'lowerdir');
  if (only.type !== 'overlay' || lower === undefined || lower.includes('\\')) return undefined;
  const upper = optionOf(only, 'upperdir');
  return [...(upper === undefined ? [] : [upper]), ...lower.split(':')];
}

/**
 * Mounts that show the same and write nothing. An overlay gets no upper directory: mounted once more beside a running
 * container's, it would clear the container's work directory.
 */
export function readOnlyMounts(mounts: readonly MountSpecification[]): MountSpecification[] {
  const layers = layersOf(mounts);
  return mounts.map((one) => {
    if (isBind(one) || one.type !== 'overlay' || !layers) {
      return { ...one, options: [...one.options.filter((option) => option !== 'rw'), 'ro'] };
    }
    const others = one.options.filter((option) => !/^(rw$|(lower|upper|work)dir=)/.test(option));
    return { ...one, options: [`lowerdir=${layers.join(':')}`, ...others] };
  });
}

/** What the mounts show: the directory of a bind mount, else a mount on `mountPoint` that this thread alone has. */
export async function visibleTree(
  mounts: readonly MountSpecification[],
  mountPoint: string,
): Promise<string> {
  const layers = layersOf(mounts);
  if (layers?.length === 1 && layers[0] !== undefined) return layers[0];
  await leaveMounts();
  fs.mkdirSync(mountPoint, { recursive: true, mode: 0o700 });
  for (const one of mounts) mountWithOptions(one, path.join(mountPoint, targetOf(one)));
  return mountPoint;
}

/** Value of the option `name=…`. */
export function optionOf({ options }: MountSpecification, name: string): string | undefined {
  return options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
}

export function isBind({ type, options }: MountSpecification): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

/** Mounts made from now on are gone with the thread, however it ends; those that others remove go here too. */
async function leaveMounts(): Promise<void> {
  if (hasOwnMounts) return;
  // The threads of Node's pool are born at its first use, into the namespaces of whoever uses it: that must not be us.
  await fs.promises.access('/');
  unshare(cloneFlags.CLONE_NEWNS);
  hasOwnMounts = true;
  mount({ source: null, target: '/', flags: mountFlags.MS_REC | mountFlags.MS_SLAVE });
}

/** Where a mount belongs below the others of its list. */
function targetOf(one: MountSpecification): string {
  return 'target' in one && typeof one.target === 'string' ? one.target : '';
}
