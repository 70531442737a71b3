/** `mounts` of config.json, in their order. */
import type { Register } from '#lib/loader/program';
import { mountCgroup, type CgroupSources } from './cgroup-mount.ts';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { CompileInput } from './input.ts';
import {
  AT_EMPTY_PATH,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_RDONLY,
  O_DIRECTORY,
  statxOffset,
  STATX_BASIC_STATS,
} from './kernel-constants.ts';
import { mountLabel } from './labels.ts';
import {
  applyOptions,
  applyPropagation,
  attach,
  cloneHostTree,
  makeFileSystem,
  setAttributes,
} from './mount-calls.ts';
import {
  copyUpDescriptor,
  idMapDescriptor,
  isLateReadonly,
  procFiles,
  type PlannedMount,
} from './mount-plan.ts';
import { openInRoot, openOrMake } from './paths.ts';
import { basePropagation } from './rootfs.ts';

/** Detached clones of the bind mounts' sources, by property; those that are missing are cloned when they are mounted. */
export type BindSources = ReadonlyMap<string, DescriptorSlot>;

/** `f_type` of statfs(2) for procfs. */
const PROC_SUPER_MAGIC = 0x9fa0;

/** A link of the image that leads into /proc is no way around the rule about /proc (mount-plan.ts). */
function refuseLinkIntoProc(
  context: CompileContext,
  root: Register,
  { destination, property }: PlannedMount,
): void {
  if (destination === '/proc' || procFiles.has(destination)) return;
  const { program } = context;
  const missing = program.label();
  const elsewhere = program.label();
  const status = context.scratch();
  context.borrow((target) => {
    openInRoot(context, root, destination, target, { missing });
    program.syscall('fstatfs', [target, status]);
    context.close(target);
    const inside = program.label();
    program.load(target, status, 0, 64).branchEqual(target, PROC_SUPER_MAGIC, inside);
    program.jump(elsewhere).place(inside);
  });
  program.stage(`${destination} leads into /proc, where nothing may be mounted`).from(property);
  program.fail('EPERM');
  program.place(missing).place(elsewhere).stage(`mount ${destination}`).from(property);
}

/** Clones the source of every bind mount, with the attributes that its options ask for. */
export function cloneBindSources(
  context: CompileContext,
  input: CompileInput,
  mounts: readonly PlannedMount[],
): BindSources {
  const sources = new Map<string, DescriptorSlot>();
  for (const mount of mounts) {
    if (mount.type !== 'bind') continue;
    context.borrow((tree) => {
      cloneBindSource(context, input, mount, tree);
      sources.set(mount.property, context.keep(tree));
    });
  }
  return sources;
}

function cloneBindSource(
  context: CompileContext,
  input: CompileInput,
  mount: PlannedMount,
  tree: Register,
): void {
  const { property, source = '', destination, options } = mount;
  context.program.stage(`clone ${source} for ${destination}`).from(`${property}.source`);
  // Without privileges the mounts below the source are locked to it and come along.
  cloneHostTree(context, source, options.recursive || !input.facts.privileged, tree);
  applyPropagation(context, tree, basePropagation(input));
  applyOptions(context, tree, options);
  if (!mount.idMap) return;
  context.program.stage(`map the ids of ${destination}`).from(`${property}.uidMappings`);
  setAttributes(context, tree, {
    set: MOUNT_ATTR_IDMAP,
    userNamespace: context.program.descriptor(idMapDescriptor(mount)),
    recursive: mount.idMap.recursive,
  });
}

export interface MountSources {
  readonly binds: BindSources;
  readonly cgroups: CgroupSources;
}

/** Mounts everything in the order of config.json. */
export function mountAll(
  context: CompileContext,
  root: Register,
  input: CompileInput,
  mounts: readonly PlannedMount[],
  sources: MountSources,
): void {
  for (const mount of mounts) {
    context.program.stage(`mount ${mount.destination}`).from(mount.property);
    refuseLinkIntoProc(context, root, mount);
    if (mount.type === 'bind') bind(context, root, input, mount, sources.binds);
    else if (mount.options.remount) remount(context, root, mount);
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') {
      mountCgroup(context, root, input, mount, sources.cgroups);
    } else if (mount.options.copyUp) attachCopyUp(context, root, mount);
    else mountFileSystem(context, root, mount, mountLabel(input.config, input.facts));
  }
}

function bind(
  context: CompileContext,
  root: Register,
  input: CompileInput,
  mount: PlannedMount,
  sources: BindSources,
): void {
  const { property, source = '', destination } = mount;
  const kind = input.facts.sources.get(source);
  if (!kind) throw new Error(`the source of ${property} was not looked at`);
  const attachTo = (target: Register, tree: Register) => {
    attach(context, tree, target);
    context.close(tree);
  };
  context.borrow((target) => {
    openOrMake(context, root, destination, target, kind === 'file' ? 'file' : 'directory');
    const slot = sources.get(property);
    if (slot) {
      context.withKept(slot, (tree) => attachTo(target, tree));
    } else {
      context.borrow((tree) => {
        cloneBindSource(context, input, mount, tree);
        context.program.stage(`mount ${destination}`).from(property);
        attachTo(target, tree);
      });
    }
    context.close(target);
  });
}

function attachCopyUp(context: CompileContext, root: Register, mount: PlannedMount): void {
  const { program } = context;
  context.borrow((target) => {
    openOrMake(context, root, mount.destination, target);
    context.borrow((tree) => {
      program.set(tree, program.descriptor(copyUpDescriptor(mount)));
      attach(context, tree, target);
      applyPropagation(context, tree, mount.options.propagation);
      context.close(tree);
    });
    context.close(target);
  });
}

function remount(context: CompileContext, root: Register, mount: PlannedMount): void {
  context.borrow((target) => {
    openInRoot(context, root, mount.destination, target);
    applyOptions(context, target, mount.options);
    context.close(target);
  });
}

/** proc and sysfs are trusted to be what they seem: their mount points must be directories of the root itself. */
const kernelInterfaces: ReadonlySet<string> = new Set(['proc', 'sysfs']);

/** The kernel has mounted these itself, with labels of its own, and takes no other for the same super block. */
const ownLabels: ReadonlySet<string> = new Set([...kernelInterfaces, 'mqueue']);

function mountFileSystem(
  context: CompileContext,
  root: Register,
  mount: PlannedMount,
  label: string | undefined,
): void {
  const { program } = context;
  const { type, source, destination, options } = mount;
  const takesMode = type === 'tmpfs' && !options.data.some((option) => option.startsWith('mode='));
  const isReadonly = (options.attributes.set & MOUNT_ATTR_RDONLY) !== 0;
  const isWrittenFirst = isReadonly && (takesMode || isLateReadonly(mount));
  context.borrow((target) => {
    openOrMake(context, root, destination, target);
    if (kernelInterfaces.has(type)) {
      context.close(target);
      openInRoot(context, root, destination, target, { flags: O_DIRECTORY, noSymlinks: true });
    }
    context.borrow((tree) => {
      const refused = type === 'proc' ? program.label() : undefined;
      makeFileSystem(
        context,
        {
          type,
          source: source ?? type,
          parameters: [
            ...options.superblock,
            ...options.data,
            ...(label && !ownLabels.has(type) ? [`context=${label}`] : []),
          ],
          attributes: options.attributes.set & ~(isWrittenFirst ? MOUNT_ATTR_RDONLY : 0),
          ...(refused && { refused }),
        },
        tree,
      );
      if (refused) bindProcInstead(context, mount, tree, refused);
      if (takesMode) copyMode(context, target, tree);
      if (isWrittenFirst && !isLateReadonly(mount)) {
        setAttributes(context, tree, { set: MOUNT_ATTR_RDONLY });
      }
      attach(context, tree, target);
      applyPropagation(context, tree, options.propagation);
      context.close(tree);
    });
    context.close(target);
  });
  program.from(undefined);
}

/**
 * In a container whose own /proc is covered in places the kernel refuses a new one, which would uncover them: then
 * that /proc is bound, covers included.
 */
function bindProcInstead(
  context: CompileContext,
  { options }: PlannedMount,
  tree: Register,
  refused: ReturnType<CompileContext['program']['label']>,
): void {
  const { program } = context;
  const made = program.label();
  program.jump(made).place(refused);
  cloneHostTree(context, '/proc', true, tree);
  if (options.attributes.set !== 0) setAttributes(context, tree, { set: options.attributes.set });
  program.place(made);
}

/** A tmpfs without a mode takes that of the directory below it. */
function copyMode(context: CompileContext, from: Register, to: Register): void {
  const { program } = context;
  const status = context.scratch();
  program.syscall('statx', [from, context.emptyPath(), AT_EMPTY_PATH, STATX_BASIC_STATS, status]);
  context.borrow((mode) => {
    program.load(mode, status, statxOffset.mode, 32);
    program.syscall('fchmodat', [to, program.string('.'), mode]);
  });
}
