/** `linux.seccomp` of config.json. */
import {
  array,
  nonEmptyString,
  object,
  oneOf,
  optional,
  refine,
  reject,
  string,
  uint32,
  uint64,
  type Decoder,
} from '../json-decoder.ts';

export const seccompActions = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
] as const;
export type SeccompAction = (typeof seccompActions)[number];

export const seccompArchitectures = [
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_RISCV64',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
] as const;
export type SeccompArchitecture = (typeof seccompArchitectures)[number];

export const seccompFlags = [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const;
export type SeccompFlag = (typeof seccompFlags)[number];

export const seccompOperators = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;
export type SeccompOperator = (typeof seccompOperators)[number];

/** Compares one argument of the system call, unsigned 64-bit. */
export interface SeccompArgument {
  /** 0 to 5. */
  index: number;
  /** For MASKED_EQ the mask. */
  value: number;
  /** For MASKED_EQ what the masked argument must equal. */
  valueTwo?: number;
  op: SeccompOperator;
}

/** All of `args` must hold; with several rules for one name, one of them must. */
export interface SeccompRule {
  names: string[];
  action: SeccompAction;
  errnoRet?: number;
  args?: SeccompArgument[];
}

export interface Seccomp {
  defaultAction: SeccompAction;
  /** EPERM without it. */
  defaultErrnoRet?: number;
  /** Architectures besides the native one. */
  architectures?: SeccompArchitecture[];
  flags?: SeccompFlag[];
  /** Unix socket that receives the notify descriptor. */
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SeccompRule[];
}

const argument = refine(
  object<SeccompArgument>({
    index: uint32,
    value: uint64,
    valueTwo: optional(uint64),
    op: oneOf(seccompOperators),
  }),
  ({ index }, path) => {
    if (index > 5) reject(`${path}.index`, `a system call has no argument ${index} (0 to 5)`);
  },
);

export const decodeSeccomp: Decoder<Seccomp> = object<Seccomp>({
  defaultAction: oneOf(seccompActions),
  defaultErrnoRet: optional(uint32),
  architectures: optional(array(oneOf(seccompArchitectures))),
  flags: optional(array(oneOf(seccompFlags))),
  listenerPath: optional(nonEmptyString),
  listenerMetadata: optional(string),
  syscalls: optional(
    array(
      object<SeccompRule>({
        names: array(nonEmptyString),
        action: oneOf(seccompActions),
        errnoRet: optional(uint32),
        args: optional(array(argument)),
      }),
    ),
  ),
});
