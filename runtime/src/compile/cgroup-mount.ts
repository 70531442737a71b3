/**
 * Mounts of type `cgroup`: the container sees its own groups and nothing above them. With a cgroup namespace the
 * hierarchies are mounted anew, otherwise the group's directories are bound (a clone made while still on the host).
 */
import type { Register } from '#lib/loader/program';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { CgroupMount, CompileInput } from './input.ts';
import { MOUNT_ATTR_RDONLY } from './kernel-constants.ts';
import {
  applyPropagation,
  attach,
  cloneHostTree,
  makeFileSystem,
  setAttributes,
} from './mount-calls.ts';
import type { PlannedMount } from './mount-plan.ts';
import { openOrMake } from './paths.ts';
import { basePropagation } from './rootfs.ts';

/** Clones of the group's directories by mount and hierarchy; empty with a cgroup namespace. */
export type CgroupSources = ReadonlyMap<string, DescriptorSlot>;

const sourceOf = ({ property }: PlannedMount, { name }: CgroupMount) => `${property} ${name}`;

function hasCgroupNamespace({ config }: CompileInput): boolean {
  return (config.linux?.namespaces ?? []).some(({ type }) => type === 'cgroup');
}

/** Clones the directories that will be bound, if any mount of type cgroup needs them. */
export function cloneCgroups(
  context: CompileContext,
  input: CompileInput,
  mounts: readonly PlannedMount[],
): CgroupSources {
  const sources = new Map<string, DescriptorSlot>();
  if (hasCgroupNamespace(input)) return sources;
  for (const mount of mounts.filter(({ type }) => type === 'cgroup' || type === 'cgroup2')) {
    for (const hierarchy of input.facts.cgroup.mounts) {
      const { directory } = hierarchy;
      context.program.stage(`clone ${directory}`).from(mount.property);
      context.borrow((tree) => {
        cloneHostTree(context, directory, !input.facts.privileged, tree);
        applyPropagation(context, tree, basePropagation(input));
        setAttributes(context, tree, { set: mount.options.attributes.set });
        sources.set(sourceOf(mount, hierarchy), context.keep(tree));
      });
    }
  }
  return sources;
}

/** cgroup v2 is one mount; v1 a tmpfs with one directory per hierarchy. */
export function mountCgroup(
  context: CompileContext,
  root: Register,
  input: CompileInput,
  mount: PlannedMount,
  sources: CgroupSources,
): void {
  const { mounts } = input.facts.cgroup;
  const [only] = mounts;
  if (mounts.length === 1 && only?.name === '') {
    mountHierarchy(context, root, mount.destination, only, mount, sources);
    return;
  }
  context.borrow((target) => {
    openOrMake(context, root, mount.destination, target);
    context.borrow((tree) => {
      makeFileSystem(
        context,
        {
          type: 'tmpfs',
          source: 'tmpfs',
          parameters: ['mode=755'],
          attributes: mount.options.attributes.set & ~MOUNT_ATTR_RDONLY,
        },
        tree,
      );
      attach(context, tree, target);
      context.close(tree);
    });
    context.close(target);
  });
  for (const hierarchy of mounts) {
    mountHierarchy(
      context,
      root,
      `${mount.destination}/${hierarchy.name}`,
      hierarchy,
      mount,
      sources,
    );
  }
  finishTmpfs(context, root, mount, mounts);
}

function mountHierarchy(
  context: CompileContext,
  root: Register,
  destination: string,
  hierarchy: CgroupMount,
  mount: PlannedMount,
  sources: CgroupSources,
): void {
  context.borrow((target) => {
    openOrMake(context, root, destination, target);
    const slot = sources.get(sourceOf(mount, hierarchy));
    if (slot) {
      context.withKept(slot, (tree) => {
        attach(context, tree, target);
        context.close(tree);
      });
    } else {
      context.borrow((tree) => {
        const unified = hierarchy.name === '' || hierarchy.options.length === 0;
        makeFileSystem(
          context,
          {
            type: unified ? 'cgroup2' : 'cgroup',
            source: 'cgroup',
            parameters: hierarchy.options,
            attributes: mount.options.attributes.set,
          },
          tree,
        );
        attach(context, tree, target);
        context.close(tree);
      });
    }
    context.close(target);
  });
}

/** Links for controllers that share a hierarchy, then read-only if asked for. */
function finishTmpfs(
  context: CompileContext,
  root: Register,
  { destination, options }: PlannedMount,
  hierarchies: readonly CgroupMount[],
): void {
  const { program } = context;
  context.borrow((directory) => {
    openOrMake(context, root, destination, directory);
    for (const { name, aliases } of hierarchies) {
      for (const alias of aliases) {
        program.syscall('symlinkat', [program.string(name), directory, program.string(alias)]);
      }
    }
    if (options.attributes.set & MOUNT_ATTR_RDONLY) {
      setAttributes(context, directory, { set: MOUNT_ATTR_RDONLY });
    }
    context.close(directory);
  });
}
