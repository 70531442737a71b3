/**
 * A container without a mount namespace shares the mounts of its caller: nothing can be mounted for it that would not
 * be mounted on the host too, and stay there. It gets its root by chroot, and what needs a mount is refused.
 */
import { StackError } from '#spec/errors';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { CompileInput } from './input.ts';
import { O_DIRECTORY, O_PATH } from './kernel-constants.ts';
import type { PlannedMount } from './mount-plan.ts';
import type { NamespacePlan } from './namespaces.ts';

export function sharesHostMounts({ created, joined }: NamespacePlan): boolean {
  return !created.has('mount') && !joined.some(({ type }) => type === 'mount');
}

/** Throws invalid_argument naming the first property that needs a mount. */
export function refuseMounts(
  { config, facts, console }: CompileInput,
  mounts: readonly PlannedMount[],
): void {
  const { linux = {}, root } = config;
  const needs: Readonly<Record<string, boolean>> = {
    [mounts[0]?.property ?? 'mounts']: mounts.length > 0,
    'root.readonly': root.readonly ?? false,
    'linux.maskedPaths': (linux.maskedPaths ?? []).length > 0,
    'linux.readonlyPaths': (linux.readonlyPaths ?? []).length > 0,
    'linux.rootfsPropagation': linux.rootfsPropagation !== undefined,
    'process.terminal': console !== undefined,
    'linux.devices': !facts.mayMakeDevices, // in a user namespace they are bound
  };
  const [property] = Object.entries(needs).find(([, needed]) => needed) ?? [];
  if (property === undefined) return;
  throw new StackError(
    'invalid_argument',
    `${property}: needs a mount namespace (linux.namespaces has none), or it would be mounted on the host`,
  );
}

/** The directory itself, in place of a clone of its mounts. */
export function openRoot(context: CompileContext, { rootfs }: CompileInput): DescriptorSlot {
  context.program.stage('open the root file system').from('root.path');
  return context.openHost(rootfs, O_PATH | O_DIRECTORY);
}
