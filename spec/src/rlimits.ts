/** Resource limits by their names in config.json and their numbers for prlimit(2) (x86-64 and arm64 agree). */

export const rlimitNumbers = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const;

export type RlimitName = keyof typeof rlimitNumbers;

// Object.keys forgets the literal types.
export const rlimitNames = Object.keys(rlimitNumbers) as RlimitName[];

/** No limit. */
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** A limit as the kernel takes it. JSON.parse rounds 2^64 - 1 up to 2^64, which means RLIM_INFINITY. */
export function rlimitValue(limit: number): bigint {
  return limit >= 2 ** 64 ? RLIM_INFINITY : BigInt(limit);
}
