/** From the rules of config.json, which name system calls, to what each number of one ABI gets. */
import { StackError } from '#spec/errors';
import type { Seccomp, SeccompAction, SeccompArgument, SeccompRule } from '#spec/oci/seccomp';
import { ARM_PRIVATE_CALLS, hasNarrowArguments, type CallAbi } from './architecture.ts';
import { argumentValue } from './conditions.ts';
import { multiplexedCalls } from './multiplexed-calls.ts';
import { syscallNumbers } from './syscall-table.ts';

const EPERM = 1;

/** SECCOMP_RET_* (linux/seccomp.h). */
const returnValues = {
  SCMP_ACT_KILL: 0x0000_0000,
  SCMP_ACT_KILL_THREAD: 0x0000_0000,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_NOTIFY: 0x7fc0_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
} as const satisfies Record<SeccompAction, number>;

/** What a filter returns when all `conditions` hold. */
export interface ConditionalReturn {
  readonly conditions: readonly SeccompArgument[];
  readonly value: number;
}

/** What one system call gets: the first alternative whose conditions hold, else `otherwise`. */
export interface CallDecision {
  readonly alternatives: readonly ConditionalReturn[];
  readonly otherwise: number;
}

/** The value a filter returns for `action`. Throws invalid_argument for an errno that the action cannot carry. */
export function returnValue(action: SeccompAction, errno: number | undefined, at: string): number {
  const base = returnValues[action];
  if (action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE') {
    const data = errno ?? EPERM;
    if (data > 0xffff) throw new StackError('invalid_argument', `${at}: ${data} is no errno`);
    return base + data;
  }
  if (errno !== undefined && errno !== 0) {
    throw new StackError('invalid_argument', `${at}: ${action} does not take an errno`);
  }
  return base;
}

/**
 * What the numbers of `abi` get that differ from `defaultValue`. As with libseccomp and runc: rules with the default
 * action add nothing, unknown names are skipped, a rule without conditions replaces those with conditions, and
 * of rules with conditions the first that holds wins.
 */
export function decideCalls(
  { syscalls = [] }: Seccomp,
  abi: CallAbi,
  defaultValue: number,
): Map<number, CallDecision> {
  const decisions = new Map<number, CallDecision>();
  for (const [index, rule] of syscalls.entries()) {
    const value = returnValue(rule.action, rule.errnoRet, `linux.seccomp.syscalls[${index}]`);
    if (value === defaultValue) continue;
    for (const { number, conditions } of places(rule, abi)) {
      decisions.set(number, extend(decisions.get(number), conditions, value, defaultValue));
    }
  }
  return decisions;
}

/** Highest ordinary number of `abi` that any rule names; -1 if none does. */
export function highestNamedCall({ syscalls = [] }: Seccomp, abi: CallAbi): number {
  const numbers = syscallNumbers(abi);
  const named = syscalls.flatMap(({ names }) => names.map((name) => numbers.get(name) ?? -1));
  return named
    .filter((number) => number < ARM_PRIVATE_CALLS)
    .reduce((highest, number) => Math.max(highest, number), -1);
}

/** Names in the rules that none of `abis` knows. */
export function unknownCalls({ syscalls = [] }: Seccomp, abis: readonly CallAbi[]): string[] {
  const names = new Set(syscalls.flatMap((rule) => rule.names));
  const isKnown = (name: string, abi: CallAbi) =>
    syscallNumbers(abi).has(name) || (abi === 'x86' && multiplexedCalls.has(name));
  return [...names].filter((name) => !abis.some((abi) => isKnown(name, abi)));
}

function extend(
  known: CallDecision | undefined,
  conditions: readonly SeccompArgument[],
  value: number,
  defaultValue: number,
): CallDecision {
  if (known && known.alternatives.length === 0) return known; // the first rule without conditions stays
  if (conditions.length === 0) return { alternatives: [], otherwise: value };
  return {
    alternatives: [...(known?.alternatives ?? []), { conditions, value }],
    otherwise: defaultValue,
  };
}

/** Each number that `rule` is about, with the conditions that must hold there. */
function* places(
  rule: SeccompRule,
  abi: CallAbi,
): Generator<{ number: number; conditions: readonly SeccompArgument[] }> {
  const numbers = syscallNumbers(abi);
  const conditionSets = splitConditions(rule.args ?? []).map((conditions) =>
    hasNarrowArguments(abi) ? conditions.map(narrow) : conditions,
  );
  for (const name of rule.names) {
    const number = numbers.get(name);
    if (number !== undefined) {
      for (const conditions of conditionSets) yield { number, conditions };
    }
    const multiplexed = abi === 'x86' ? multiplexedCalls.get(name) : undefined;
    if (multiplexed && !rule.args?.length) {
      const via = numbers.get(multiplexed.via);
      if (via !== undefined) yield { number: via, conditions: [multiplexed.selector] };
    }
  }
}

/**
 * Conditions on different arguments must all hold. Where one argument has several, runc lets each condition of the
 * rule stand alone, so that older profiles keep their meaning.
 */
function splitConditions(conditions: readonly SeccompArgument[]): (readonly SeccompArgument[])[] {
  const indexes = new Set(conditions.map(({ index }) => index));
  return indexes.size === conditions.length ? [conditions] : conditions.map((one) => [one]);
}

/** A 32-bit process has 32-bit arguments: `personality(0xffffffff)` is meant whatever sign extension wrote. */
function narrow(condition: SeccompArgument): SeccompArgument {
  const low = (value: number) => Number(argumentValue(value) & 0xffff_ffffn);
  const { value, valueTwo, ...rest } = condition;
  return { ...rest, value: low(value), ...(valueTwo !== undefined && { valueTwo: low(valueTwo) }) };
}
