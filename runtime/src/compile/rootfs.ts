/**
 * The container's root: a clone of the tree at `root.path`, attached on top of the root of the new mount namespace
 * and entered by pivot_root. Everything mounted in between goes in through its descriptor.
 */
import type { Register } from '#lib/loader/program';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { CompileInput } from './input.ts';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
} from './kernel-constants.ts';
import { applyPropagation, cloneHostTree, setAttributes } from './mount-calls.ts';
import { propagationOf, type Propagation } from './mount-options.ts';

/**
 * What every tree cloned from the host starts with: mounts arrive from the host and none goes back, unless
 * `linux.rootfsPropagation` says otherwise.
 */
export function basePropagation({ config }: CompileInput): readonly Propagation[] {
  const wanted = propagationOf(config.linux?.rootfsPropagation ?? 'rslave');
  return wanted ? [wanted] : [];
}

/** Clones the tree at `root.path`. */
export function cloneRoot(context: CompileContext, input: CompileInput): DescriptorSlot {
  context.program.stage('clone the root file system').from('root.path');
  let slot: DescriptorSlot | undefined;
  context.borrow((tree) => {
    cloneHostTree(context, input.rootfs, true, tree);
    applyPropagation(context, tree, basePropagation(input));
    // pivot_root takes no shared mount; shareRoot() makes it one again.
    if (isShared(input)) setAttributes(context, tree, { propagation: MS_SLAVE });
    slot = context.keep(tree);
  });
  if (!slot) throw new Error('borrow() calls back at once');
  return slot;
}

/** Whether the mounts of the container are shared: then they have to be clones of the host's own, not of a copy. */
export function isShared(input: CompileInput): boolean {
  return basePropagation(input).some(({ type }) => type === MS_SHARED);
}

/** `linux.rootfsPropagation` "shared" or "rshared", for the root itself. */
export function shareRoot(context: CompileContext, root: Register, input: CompileInput): void {
  if (!isShared(input)) return;
  context.program.stage('share the mounts of the root').from('linux.rootfsPropagation');
  applyPropagation(context, root, basePropagation(input));
}

/**
 * Cuts the new mount namespace off from the host and puts the root's clone on top of it. In a mount namespace that is
 * the host's nothing is cut off: there the clone is attached at `rootMount`, which the runtime takes off in the end.
 */
export function attachRoot(context: CompileContext, root: Register, rootMount?: string): void {
  const { program } = context;
  if (rootMount !== undefined) {
    program.stage(`attach the root file system at ${rootMount}`).from('linux.namespaces');
    program.syscall('move_mount', [
      root,
      context.emptyPath(),
      AT_FDCWD,
      program.string(rootMount),
      MOVE_MOUNT_F_EMPTY_PATH,
    ]);
    // Where the mount above is shared, so is now this one; what is mounted in here is for the container alone.
    setAttributes(context, root, { propagation: MS_SLAVE, recursive: true });
    return;
  }
  program.stage('leave the mounts of the host').from('linux.rootfsPropagation');
  program.syscall('mount', [0, program.string('/'), 0, MS_REC | MS_SLAVE, 0]);
  program.stage('attach the root file system').from('root.path');
  program.syscall('move_mount', [
    root,
    context.emptyPath(),
    AT_FDCWD,
    program.string('/'),
    MOVE_MOUNT_F_EMPTY_PATH,
  ]);
}

/** Makes the clone the root directory and drops the old root with all that is mounted there. */
export function enterRoot(context: CompileContext, root: Register, noPivot: boolean): void {
  const { program } = context;
  program.stage('enter the root file system').from('root.path');
  if (noPivot) {
    program.syscall('fchdir', [root]);
    program.syscall('chroot', [program.string('.')]);
    program.syscall('chdir', [program.string('/')]);
    return;
  }
  context.borrow((oldRoot) => {
    program.syscall(
      'openat',
      [AT_FDCWD, program.string('/'), O_PATH | O_DIRECTORY | O_CLOEXEC, 0],
      {
        result: oldRoot,
      },
    );
    program.syscall('fchdir', [root]);
    // With "." for both the old root lands on top of the new one, from where it is taken off at once.
    program.syscall('pivot_root', [program.string('.'), program.string('.')]);
    program.syscall('fchdir', [oldRoot]);
    program.syscall('umount2', [program.string('.'), MNT_DETACH]);
    program.syscall('chdir', [program.string('/')]);
    context.close(oldRoot);
  });
}

/** `root.readonly`: the root's own mount, not those below. */
export function makeRootReadonly(
  context: CompileContext,
  root: Register,
  { config }: CompileInput,
): void {
  if (!config.root.readonly) return;
  context.program.stage('make the root file system read-only').from('root.readonly');
  setAttributes(context, root, { set: MOUNT_ATTR_RDONLY });
}
