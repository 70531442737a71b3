/** Which namespaces are joined and which are made, and by which call. */
import type { Namespace, NamespaceType } from '#spec/oci/linux';
import { StackError } from '#spec/errors';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { Handshake } from './handshake.ts';
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  PR_SET_DUMPABLE,
} from './kernel-constants.ts';

export const namespaceFlags: Readonly<Record<NamespaceType, number>> = {
  user: CLONE_NEWUSER,
  pid: CLONE_NEWPID,
  network: CLONE_NEWNET,
  mount: CLONE_NEWNS,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
};

/** A namespace that exists already. */
export interface JoinedNamespace {
  readonly type: NamespaceType;
  readonly path: string;
  readonly property: string;
}

export interface NamespacePlan {
  readonly joined: readonly JoinedNamespace[];
  readonly created: ReadonlySet<NamespaceType>;
}

export function planNamespaces(namespaces: readonly Namespace[]): NamespacePlan {
  const joined: JoinedNamespace[] = [];
  const created = new Set<NamespaceType>();
  namespaces.forEach(({ type, path }, index) => {
    if (path) joined.push({ type, path, property: `linux.namespaces[${index}]` });
    else created.add(type);
  });
  return { joined, created };
}

/** A namespace's descriptor, opened while its path still means what the host means by it. */
export interface OpenedNamespace extends JoinedNamespace {
  readonly slot: DescriptorSlot;
}

export function openNamespaces(
  context: CompileContext,
  joined: readonly JoinedNamespace[],
): OpenedNamespace[] {
  return joined.map((namespace) => {
    context.program.stage(`open ${namespace.path}`).from(`${namespace.property}.path`);
    return { ...namespace, slot: context.openHost(namespace.path, 0) };
  });
}

/**
 * Joins namespaces. One that belongs to the user namespace that is joined as well can be entered only from there;
 * one that belongs to the host only from outside: so each is tried first as the host's, then again from inside.
 */
export function joinNamespaces(
  context: CompileContext,
  namespaces: readonly OpenedNamespace[],
): void {
  const { program } = context;
  const user = namespaces.find(({ type }) => type === 'user');
  const others = namespaces.filter((namespace) => namespace !== user);
  const postponed = others.map((namespace) => ({
    namespace,
    done: program.reserve(8),
  }));
  for (const { namespace, done } of postponed) {
    stageJoin(context, namespace);
    context.withKept(namespace.slot, (fd) => {
      const refused = program.label();
      program.syscall('setns', [fd, namespaceFlags[namespace.type]], {
        ...(user && { onErrno: { errno: 'EPERM', goto: refused } }),
      });
      if (user) {
        context.borrow((one) => program.set(one, 1).store(one, done, 0, 64));
        program.place(refused);
      } else context.close(fd);
    });
  }
  if (!user) return;
  stageJoin(context, user);
  context.withKept(user.slot, (fd) => {
    program.syscall('setns', [fd, CLONE_NEWUSER]);
    context.close(fd);
  });
  for (const { namespace, done } of postponed) {
    stageJoin(context, namespace);
    const joined = program.label();
    context.borrow((flag) => program.load(flag, done, 0, 64).branchEqual(flag, 1, joined));
    context.withKept(namespace.slot, (fd) =>
      program.syscall('setns', [fd, namespaceFlags[namespace.type]]),
    );
    program.place(joined);
  }
  becomeRoot(context);
}

function stageJoin(context: CompileContext, { type, path, property }: JoinedNamespace): void {
  context.program.stage(`join the ${type} namespace ${path}`).from(property);
}

/**
 * A new user namespace (its maps are written by the runtime meanwhile) and a new time namespace (its offsets are).
 * The loader is dumpable only here: an ordinary user may not write the maps of a process that is not.
 */
export function createUserAndTime(
  context: CompileContext,
  created: ReadonlySet<NamespaceType>,
  handshake: Handshake,
): void {
  const { program } = context;
  const flags =
    (created.has('user') ? CLONE_NEWUSER : 0) | (created.has('time') ? CLONE_NEWTIME : 0);
  if (flags === 0) return;
  program.stage('create the user and time namespaces').from('linux.namespaces');
  program.syscall('prctl', [PR_SET_DUMPABLE, 1, 0, 0, 0]);
  program.syscall('unshare', [flags]);
  handshake.exchange('userNamespace', 'wait for the id maps', 'linux.uidMappings');
  program.syscall('prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0]);
  if (created.has('user')) becomeRoot(context);
}

/** In a user namespace everything up to the switch to process.user is done as its id 0. */
function becomeRoot(context: CompileContext): void {
  const { program } = context;
  program.stage('become root of the user namespace').from('linux.uidMappings');
  const denied = program.label();
  // With setgroups denied (an ordinary user wrote the maps) the groups stay as they are.
  program.syscall('setgroups', [0, 0], { onErrno: { errno: 'EPERM', goto: denied } });
  program.place(denied);
  program.syscall('setresgid', [0, 0, 0]);
  program.syscall('setresuid', [0, 0, 0]);
}

/** The flags of the clone that makes the container's first process; the rest was made before or comes after. */
export function cloneFlags(created: ReadonlySet<NamespaceType>): number {
  let flags = 0;
  for (const type of ['pid', 'network', 'mount', 'ipc', 'uts'] as const) {
    if (created.has(type)) flags |= namespaceFlags[type];
  }
  return flags;
}

/** Whether the container has `type` to itself or shares that of a path; otherwise it shares the runtime's. */
export function hasNamespace({ joined, created }: NamespacePlan, type: NamespaceType): boolean {
  return created.has(type) || joined.some((namespace) => namespace.type === type);
}

/** Refuses combinations that a container cannot be built from. */
export function checkNamespaces(plan: NamespacePlan): void {
  if (hasNamespace(plan, 'mount') || !hasNamespace(plan, 'user')) return;
  throw new StackError(
    'invalid_argument',
    'linux.namespaces: a container in a user namespace needs a mount namespace, in which it may mount',
  );
}
