/** Who the container's process is: limits, capabilities, user and groups, working directory (all of `process`). */
import { u32, u64 } from '#lib/loader/data';
import { capabilityName, capabilityNumber } from '#spec/capabilities';
import type { Process, ProcessCapabilities } from '#spec/oci/process';
import { rlimitNumbers, rlimitValue } from '#spec/rlimits';
import type { Register } from '#lib/loader/program';
import type { CompileContext } from './context.ts';
import type { HostFacts } from './input.ts';
import {
  AT_EMPTY_PATH,
  CAP_SYS_ADMIN,
  LINUX_CAPABILITY_VERSION_3,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_SET_KEEPCAPS,
  STATX_BASIC_STATS,
  statxOffset,
} from './kernel-constants.ts';
import { openOrMake } from './paths.ts';

export function setLimits(context: CompileContext, { rlimits = [] }: Process): void {
  const { program } = context;
  rlimits.forEach(({ type, soft, hard }, index) => {
    program.stage(`set ${type}`).from(`process.rlimits[${index}]`);
    const limits = program.struct('rlimit', {
      rlim_cur: u64(rlimitValue(soft)),
      rlim_max: u64(rlimitValue(hard)),
    });
    program.syscall('prlimit64', [0, rlimitNumbers[type], limits, 0]);
  });
}

export type CapabilityFacts = Pick<HostFacts, 'capabilities' | 'lastCapability'>;

const capabilitySets = ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'] as const;
type CapabilitySets = Record<(typeof capabilitySets)[number], ReadonlySet<number>>;

/**
 * Capabilities that `process.capabilities` asks for and that cannot be given: unknown names, and those the caller
 * does not hold. runc fails with EPERM for the latter; a caller that lost a capability gets its container without it.
 */
export function missingCapabilities(
  wanted: ProcessCapabilities | undefined,
  { capabilities, lastCapability }: CapabilityFacts,
): string[] {
  const names = new Set(capabilitySets.flatMap((set) => wanted?.[set] ?? []));
  return [...names].filter((name) => {
    const number = capabilityNumber(name);
    return number === undefined || number > lastCapability || !capabilities.has(number);
  });
}

/** What the process ends up with. A process without `capabilities` has none, as with runc. */
function effectiveSets(
  { capabilities: wanted = {} }: Process,
  facts: CapabilityFacts,
): CapabilitySets {
  const missing = new Set(missingCapabilities(wanted, facts));
  const numbers = (set: (typeof capabilitySets)[number]) =>
    new Set(
      (wanted[set] ?? [])
        .filter((name) => !missing.has(name))
        .map((name) => capabilityNumber(name) ?? -1),
    );
  return {
    bounding: numbers('bounding'),
    effective: numbers('effective'),
    permitted: numbers('permitted'),
    inheritable: numbers('inheritable'),
    ambient: numbers('ambient'),
  };
}

/**
 * Switches to `process.user` with exactly `process.capabilities`. With `reserve` CAP_SYS_ADMIN stays permitted beside
 * them, not effective, until {@link becomeAdministrator}: what execve gives the user's process does not depend on it.
 */
export function becomeUser(
  context: CompileContext,
  process: Process,
  facts: CapabilityFacts,
  { reserve }: { reserve: boolean },
): void {
  const { program } = context;
  const { user } = process;
  const sets = effectiveSets(process, facts);
  dropBoundingSet(context, sets.bounding, facts);
  program.stage('keep capabilities').from('process.capabilities');
  program.syscall('prctl', [PR_SET_KEEPCAPS, 1, 0, 0, 0]);
  if (!process.terminal && user.uid !== 0) giveStreams(context, user.uid);
  const groups = Buffer.alloc(4 * (user.additionalGids?.length ?? 0));
  user.additionalGids?.forEach((gid, index) => groups.writeUInt32LE(gid, 4 * index));
  program.stage(`become user ${user.uid}:${user.gid}`).from('process.user.additionalGids');
  const denied = program.label();
  program.syscall('setgroups', [groups.length / 4, groups.length > 0 ? program.bytes(groups) : 0], {
    // Denied in the user namespace of an ordinary user, who has no further groups to give either.
    ...(groups.length === 0 && { onErrno: { errno: 'EPERM', goto: denied } }),
  });
  program.place(denied).from('process.user.gid');
  program.syscall('setresgid', [user.gid, user.gid, user.gid]).from('process.user.uid');
  program.syscall('setresuid', [user.uid, user.uid, user.uid]);
  program.stage('set capabilities').from('process.capabilities');
  program.syscall('prctl', [PR_SET_KEEPCAPS, 0, 0, 0, 0]);
  if (reserve)
    program.stage('set capabilities, and permit CAP_SYS_ADMIN until the filter is loaded');
  setCapabilities(context, {
    ...sets,
    permitted: reserve ? withAdministrator(sets.permitted) : sets.permitted,
  });
  raiseAmbient(context, sets);
}

/** Makes the CAP_SYS_ADMIN effective that {@link becomeUser} reserved. */
export function becomeAdministrator(
  context: CompileContext,
  process: Process,
  facts: CapabilityFacts,
): void {
  context.program.stage('take CAP_SYS_ADMIN').from('process.noNewPrivileges');
  const { inheritable, permitted, effective } = effectiveSets(process, facts);
  setCapabilities(context, {
    inheritable,
    permitted: withAdministrator(permitted),
    effective: withAdministrator(effective),
  });
}

/** Ends what {@link becomeUser} reserved. */
export function resignAdministrator(
  context: CompileContext,
  process: Process,
  facts: CapabilityFacts,
): void {
  context.program.stage('give up CAP_SYS_ADMIN').from('process.capabilities');
  setCapabilities(context, effectiveSets(process, facts));
}

function withAdministrator(capabilities: ReadonlySet<number>): ReadonlySet<number> {
  return new Set([...capabilities, CAP_SYS_ADMIN]);
}

function dropBoundingSet(
  context: CompileContext,
  bounding: ReadonlySet<number>,
  { lastCapability, capabilities }: CapabilityFacts,
): void {
  const { program } = context;
  for (let number = 0; number <= lastCapability; number++) {
    if (bounding.has(number) || !capabilities.has(number)) continue;
    const name = capabilityName(number) ?? `capability ${number}`;
    program.stage(`drop ${name}`).from('process.capabilities.bounding');
    program.syscall('prctl', [PR_CAPBSET_DROP, number, 0, 0, 0]);
  }
}

type ProcessSets = Pick<CapabilitySets, 'effective' | 'permitted' | 'inheritable'>;

function setCapabilities(context: CompileContext, sets: ProcessSets): void {
  const { program } = context;
  const header = program.struct('__user_cap_header_struct', {
    version: u32(LINUX_CAPABILITY_VERSION_3),
    pid: u32(0),
  });
  const [effective, permitted, inheritable] = [
    maskOf(sets.effective),
    maskOf(sets.permitted),
    maskOf(sets.inheritable),
  ];
  const low = (mask: bigint) => u32(Number(mask & 0xffff_ffffn));
  const high = (mask: bigint) => u32(Number(mask >> 32n));
  const data = program.struct('__user_cap_data_struct[2]', {
    effectiveLow: low(effective),
    permittedLow: low(permitted),
    inheritableLow: low(inheritable),
    effectiveHigh: high(effective),
    permittedHigh: high(permitted),
    inheritableHigh: high(inheritable),
  });
  program.syscall('capset', [header, data]);
}

function raiseAmbient(context: CompileContext, sets: CapabilitySets): void {
  const { program } = context;
  program.from('process.capabilities.ambient');
  program.syscall('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]);
  for (const number of sets.ambient) {
    // The kernel raises only what is permitted and inheritable; runc warns about the others and goes on.
    if (!sets.permitted.has(number) || !sets.inheritable.has(number)) continue;
    program.syscall('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0]);
  }
}

function maskOf(numbers: ReadonlySet<number>): bigint {
  return [...numbers].reduce((mask, number) => mask | (1n << BigInt(number)), 0n);
}

/** The user may reopen its standard streams (/dev/stderr); the null device stays root's. */
function giveStreams(context: CompileContext, uid: number): void {
  const { program } = context;
  program.stage('give the standard streams to the user').from('process.user.uid');
  const status = context.scratch();
  for (const stream of [0, 1, 2]) {
    const next = program.label();
    const change = program.label();
    context.borrow((value) => {
      program.syscall(
        'statx',
        [stream, context.emptyPath(), AT_EMPTY_PATH, STATX_BASIC_STATS, status],
        {
          result: value,
          onErrno: { errno: 'EBADF', goto: next },
        },
      );
      const maybe = program.label();
      program.load(value, status, statxOffset.rdevMajor, 32).branchEqual(value, 1, maybe);
      program.jump(change).place(maybe);
      program.load(value, status, statxOffset.rdevMinor, 32).branchEqual(value, 3, next);
      program.place(change);
      // Some descriptors cannot change hands (EINVAL, EPERM, EROFS): then they stay as they are.
      program.syscall('fchown', [stream, uid, 0xffff_ffff], { demand: 'any' });
    });
    program.place(next);
  }
}

/** `process.cwd` is made if it is missing, as root of the container. */
export function makeDirectory(context: CompileContext, root: Register, { cwd }: Process): void {
  context.program.stage(`make ${cwd}`).from('process.cwd');
  context.borrow((directory) => {
    openOrMake(context, root, cwd, directory);
    context.close(directory);
  });
}

/** Enters `process.cwd` as root of the container, or as the user if root may not. */
export function enterDirectory(context: CompileContext, { cwd }: Process): void {
  const { program } = context;
  program.stage(`enter ${cwd}`).from('process.cwd');
  const later = program.label();
  program.syscall('chdir', [program.string(cwd)], { onErrno: { errno: 'EACCES', goto: later } });
  program.place(later);
}

/** Again as the user; and a working directory outside the root is refused (CVE-2024-21626). */
export function checkDirectory(context: CompileContext, { cwd }: Process): void {
  const { program } = context;
  program.stage(`enter ${cwd}`).from('process.cwd');
  program.syscall('chdir', [program.string(cwd)]);
  const name = program.reserve(4096);
  program.syscall('getcwd', [name, 4096]);
  context.borrow((start) => {
    const inside = program.label();
    program.load(start, name, 0, 32).branchMasked(start, 0xff, 0x2f, inside);
    program.stage('the working directory lies outside the root').from('process.cwd');
    program.fail('EXDEV'); // the kernel says "(unreachable)/…"
    program.place(inside);
  });
}
