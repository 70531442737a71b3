/**
 * Compiles `linux.seccomp` of config.json to a classic BPF program. Per ABI the numbers fall into ranges that get the
 * same answer, found by binary search; calls with conditions on arguments are ranges of one.
 */
import { StackError } from '#spec/errors';
import type { Seccomp, SeccompAction, SeccompFlag } from '#spec/oci/seccomp';
import {
  ARM_PRIVATE_CALLS,
  X32_SYSCALL_BIT,
  auditArchitectures,
  filteredAbis,
  type CallAbi,
  type HostArchitecture,
} from './architecture.ts';
import {
  BPF_JMP_JEQ_K,
  BPF_JMP_JGE_K,
  BPF_MAXINSNS,
  BackwardBuilder,
  encodeInstructions,
  type BpfInstruction,
  type Place,
} from './classic-bpf.ts';
import { compileDecision, NUMBER_OFFSET, ARCHITECTURE_OFFSET } from './conditions.ts';
import {
  decideCalls,
  highestNamedCall,
  returnValue,
  unknownCalls,
  type CallDecision,
} from './rules.ts';

const ENOSYS = 38;
/** What a call through an ABI gets that the filter does not describe, as with libseccomp. */
const BAD_ARCHITECTURE: SeccompAction = 'SCMP_ACT_KILL';

/** SECCOMP_FILTER_FLAG_* (linux/seccomp.h). */
const flagValues = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const satisfies Record<SeccompFlag, number>;
const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;

export interface SeccompFilter {
  readonly instructions: readonly BpfInstruction[];
  /** struct sock_filter[], for seccomp(2). */
  readonly bytes: Buffer;
  /** Flags for seccomp(2). With a NOTIFY rule they hold NEW_LISTENER: the call then returns a descriptor. */
  readonly flags: number;
  /** Whether any rule is SCMP_ACT_NOTIFY. */
  readonly notify: boolean;
  /** Names in the rules that no ABI of this host knows; they were skipped. */
  readonly unknownSyscalls: readonly string[];
}

/** Throws invalid_argument, naming the property, for rules that have no meaning. */
export function compileFilter(seccomp: Seccomp, host: HostArchitecture): SeccompFilter {
  const notify = checkNotify(seccomp);
  const abis = filteredAbis(host, seccomp.architectures ?? []);
  const defaultValue = returnValue(
    seccomp.defaultAction,
    seccomp.defaultErrnoRet,
    'linux.seccomp.defaultErrnoRet',
  );
  const builder = new BackwardBuilder();
  const starts = new Map<CallAbi, Place>();
  for (const abi of abis.toReversed()) {
    starts.set(abi, compileAbi(builder, seccomp, abi, defaultValue));
  }
  compileDispatch(builder, starts, defaultValue);
  const instructions = builder.build();
  if (instructions.length > BPF_MAXINSNS) {
    throw new StackError(
      'invalid_argument',
      `linux.seccomp: the filter has ${instructions.length} instructions, the kernel takes ${BPF_MAXINSNS}`,
    );
  }
  return {
    instructions,
    bytes: encodeInstructions(instructions),
    flags: filterFlags(seccomp.flags ?? [], notify),
    notify,
    unknownSyscalls: unknownCalls(seccomp, abis),
  };
}

function filterFlags(flags: readonly SeccompFlag[], notify: boolean): number {
  const wanted = new Set(flags);
  if (notify) {
    // The kernel refuses TSYNC with a listener; the caller has one thread, so nothing is lost.
    wanted.delete('SECCOMP_FILTER_FLAG_TSYNC');
  } else {
    // Has a meaning for listeners only, and the kernel refuses it without one.
    wanted.delete('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV');
  }
  const value = [...wanted].reduce((sum, flag) => sum | flagValues[flag], 0);
  return notify ? value | SECCOMP_FILTER_FLAG_NEW_LISTENER : value;
}

/** write(2) must not be notified: the runtime sends the listener's descriptor with it. */
function checkNotify({ defaultAction, syscalls = [], listenerPath }: Seccomp): boolean {
  if (defaultAction === 'SCMP_ACT_NOTIFY') {
    throw new StackError(
      'invalid_argument',
      'linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is for single system calls',
    );
  }
  const rules = syscalls.filter(({ action }) => action === 'SCMP_ACT_NOTIFY');
  if (rules.some(({ names }) => names.includes('write'))) {
    throw new StackError(
      'invalid_argument',
      'linux.seccomp.syscalls: SCMP_ACT_NOTIFY cannot be used for write',
    );
  }
  if (rules.length > 0 && listenerPath === undefined) {
    throw new StackError(
      'invalid_argument',
      'linux.seccomp.listenerPath: is required for SCMP_ACT_NOTIFY',
    );
  }
  return rules.length > 0;
}

/**
 * Numbers above every one that the profile names get ENOSYS instead of a refusing default: programs then fall back
 * to older calls (runc does the same; glibc depends on it).
 */
function newerCallsValue(seccomp: Seccomp, defaultValue: number): number {
  const permissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'];
  if (permissive.includes(seccomp.defaultAction)) return defaultValue;
  return returnValue('SCMP_ACT_ERRNO', ENOSYS, 'linux.seccomp');
}

/** A span of numbers from `first` to the next range's first. */
interface Range {
  readonly first: number;
  readonly decision: CallDecision;
}

function compileAbi(
  builder: BackwardBuilder,
  seccomp: Seccomp,
  abi: CallAbi,
  defaultValue: number,
): Place {
  const bit = abi === 'x32' ? X32_SYSCALL_BIT : 0;
  const ranges = callRanges(seccomp, abi, defaultValue).map(({ first, decision }) => ({
    first: first + bit,
    decision,
  }));
  return builder.load(NUMBER_OFFSET, compileSearch(builder, ranges));
}

/** All numbers of `abi` from 0 up, neighbours with the same answer merged. */
function callRanges(seccomp: Seccomp, abi: CallAbi, defaultValue: number): Range[] {
  const highest = highestNamedCall(seccomp, abi);
  const newer = highest < 0 ? defaultValue : newerCallsValue(seccomp, defaultValue);
  const decisions = decideCalls(seccomp, abi, defaultValue);
  const decisionAt = (number: number): CallDecision =>
    decisions.get(number) ??
    plain(number > highest && number < ARM_PRIVATE_CALLS ? newer : defaultValue);
  const firsts = new Set([0, highest + 1, ARM_PRIVATE_CALLS]);
  for (const number of decisions.keys()) firsts.add(number).add(number + 1);
  const ranges: Range[] = [];
  for (const first of [...firsts].sort((a, b) => a - b)) {
    const decision = decisionAt(first);
    const before = ranges.at(-1)?.decision;
    const merge =
      before?.alternatives.length === 0 &&
      decision.alternatives.length === 0 &&
      before.otherwise === decision.otherwise;
    if (!merge) ranges.push({ first, decision });
  }
  return ranges;
}

function plain(value: number): CallDecision {
  return { alternatives: [], otherwise: value };
}

/** Binary search; `ranges` is not empty and the number in the accumulator is not below its first. */
function compileSearch(builder: BackwardBuilder, ranges: readonly Range[]): Place {
  const [only] = ranges;
  if (only && ranges.length === 1) return compileDecision(builder, only.decision);
  const middle = ranges.length >>> 1;
  const upper = compileSearch(builder, ranges.slice(middle));
  const lower = compileSearch(builder, ranges.slice(0, middle));
  return builder.compare(BPF_JMP_JGE_K, ranges[middle]?.first ?? 0, upper, lower);
}

/** The start of the program: which ABI is it? */
function compileDispatch(
  builder: BackwardBuilder,
  starts: ReadonlyMap<CallAbi, Place>,
  defaultValue: number,
): void {
  const bad = returnValue(BAD_ARCHITECTURE, undefined, 'linux.seccomp');
  let next = builder.ret(bad);
  for (const abi of ['arm', 'x86', 'arm64'] as const) {
    const start = starts.get(abi);
    if (start) next = builder.compare(BPF_JMP_JEQ_K, auditArchitectures[abi], start, next);
  }
  const native = starts.get('x86_64');
  if (native) {
    // -1 is what a tracer writes to skip a call: it gets the default and not the answer to a bad ABI.
    const wide = starts.get('x32') ?? builder.ret(bad);
    const marked = builder.compare(BPF_JMP_JEQ_K, 0xffff_ffff, builder.ret(defaultValue), wide);
    const split = builder.compare(BPF_JMP_JGE_K, X32_SYSCALL_BIT, marked, native);
    const start = builder.load(NUMBER_OFFSET, split);
    next = builder.compare(BPF_JMP_JEQ_K, auditArchitectures.x86_64, start, next);
  }
  builder.load(ARCHITECTURE_OFFSET, next);
}
