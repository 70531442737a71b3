/** Calling conventions that a filter tells apart, and how seccomp_data names them (linux/audit.h). */
import type { SeccompArchitecture } from '#spec/oci/seccomp';

/** A set of system call numbers. `x32` shares the audit value of `x86_64` and marks its numbers by bit 30. */
export type CallAbi = 'x86_64' | 'x32' | 'x86' | 'arm64' | 'arm';

/** Architectures that we run on, named as in process.arch. */
export type HostArchitecture = 'x64' | 'arm64';

export const X32_SYSCALL_BIT = 0x4000_0000;

/** From here 32-bit ARM has calls of its own (cacheflush, set_tls); no ABI has ordinary numbers up here. */
export const ARM_PRIVATE_CALLS = 0xf_0000;

/** AUDIT_ARCH_*: ELF machine, bit 31 for 64-bit, bit 30 for little endian. */
export const auditArchitectures = {
  x86_64: 0xc000_003e,
  x32: 0xc000_003e,
  x86: 0x4000_0003,
  arm64: 0xc000_00b7,
  arm: 0x4000_0028,
} as const satisfies Record<CallAbi, number>;

/** The ABIs a process on `host` can use, native first. */
export const hostAbis = {
  x64: ['x86_64', 'x32', 'x86'],
  arm64: ['arm64', 'arm'],
} as const satisfies Record<HostArchitecture, readonly CallAbi[]>;

const abiByName: Partial<Record<SeccompArchitecture, CallAbi>> = {
  SCMP_ARCH_X86_64: 'x86_64',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_X86: 'x86',
  SCMP_ARCH_AARCH64: 'arm64',
  SCMP_ARCH_ARM: 'arm',
};

/**
 * The ABIs a filter describes: the native one always (as libseccomp does), then those of `architectures` that can
 * occur on `host`. A call through any other ABI kills the caller, so foreign names need no code.
 */
export function filteredAbis(
  host: HostArchitecture,
  architectures: readonly SeccompArchitecture[],
): CallAbi[] {
  const wanted = new Set(architectures.map((name) => abiByName[name]));
  return hostAbis[host].filter((abi, index) => index === 0 || wanted.has(abi));
}

/** Whether arguments have 32 bits: the upper half of seccomp_data.args is then zero. */
export function hasNarrowArguments(abi: CallAbi): boolean {
  return abi === 'x86' || abi === 'arm';
}
