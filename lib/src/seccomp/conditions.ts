/** Conditions on the arguments of a system call. They are unsigned 64-bit; the program compares 32 bits at a time. */
import type { SeccompArgument } from '#spec/oci/seccomp';
import {
  BPF_JMP_JEQ_K,
  BPF_JMP_JGE_K,
  BPF_JMP_JGT_K,
  type BackwardBuilder,
  type Place,
} from './classic-bpf.ts';
import type { CallDecision } from './rules.ts';

/** Offsets in struct seccomp_data (linux/seccomp.h). */
export const NUMBER_OFFSET = 0;
export const ARCHITECTURE_OFFSET = 4;
const ARGUMENTS_OFFSET = 16;

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

/** Code that returns what `decision` says. It may change the accumulator. */
export function compileDecision(builder: BackwardBuilder, decision: CallDecision): Place {
  let next = builder.ret(decision.otherwise);
  for (const { conditions, value } of decision.alternatives.toReversed()) {
    let holds = builder.ret(value);
    for (const condition of conditions.toReversed()) {
      holds = compileCondition(builder, condition, holds, next);
    }
    next = holds;
  }
  return next;
}

/** An argument value as written in JSON: 2^64 - 1 arrives rounded to 2^64. */
export function argumentValue(value: number): bigint {
  const exact = BigInt(value);
  return exact > MAX_UINT64 ? MAX_UINT64 : exact;
}

function compileCondition(
  builder: BackwardBuilder,
  { index, op, value, valueTwo = 0 }: SeccompArgument,
  yes: Place,
  no: Place,
): Place {
  const low = ARGUMENTS_OFFSET + 8 * index;
  const high = low + 4;
  const wanted = halves(argumentValue(value));
  /** (high, low) > or >= wanted. */
  const above = (
    lowCode: typeof BPF_JMP_JGT_K | typeof BPF_JMP_JGE_K,
    then: Place,
    other: Place,
  ) => {
    const lowPart = builder.load(low, builder.compare(lowCode, wanted.low, then, other));
    const equal = builder.compare(BPF_JMP_JEQ_K, wanted.high, lowPart, other);
    return builder.load(high, builder.compare(BPF_JMP_JGT_K, wanted.high, then, equal));
  };
  const equals = (target: Halves, mask: Halves, then: Place, other: Place) => {
    const lowTest = builder.compare(BPF_JMP_JEQ_K, target.low, then, other);
    const lowPart = builder.load(low, lowTest, mask.low);
    const highTest = builder.compare(BPF_JMP_JEQ_K, target.high, lowPart, other);
    return builder.load(high, highTest, mask.high);
  };
  switch (op) {
    case 'SCMP_CMP_EQ':
      return equals(wanted, halves(MAX_UINT64), yes, no);
    case 'SCMP_CMP_NE':
      return equals(wanted, halves(MAX_UINT64), no, yes);
    case 'SCMP_CMP_GT':
      return above(BPF_JMP_JGT_K, yes, no);
    case 'SCMP_CMP_GE':
      return above(BPF_JMP_JGE_K, yes, no);
    case 'SCMP_CMP_LE':
      return above(BPF_JMP_JGT_K, no, yes);
    case 'SCMP_CMP_LT':
      return above(BPF_JMP_JGE_K, no, yes);
    case 'SCMP_CMP_MASKED_EQ': {
      const target = argumentValue(valueTwo) & argumentValue(value);
      return equals(halves(target), wanted, yes, no);
    }
  }
}

interface Halves {
  readonly high: number;
  readonly low: number;
}

function halves(value: bigint): Halves {
  return { high: Number(value >> 32n), low: Number(value & 0xffff_ffffn) };
}
