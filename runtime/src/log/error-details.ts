/**
 * What a failure is made of, for the JSON log: which operation failed on what, the property of config.json that asked
 * for it, the errno, and what is most often behind it.
 */
import { ProgramFailure } from '#lib/loader/failure';
import { errorCode, messageOf } from '#spec/errors';

export interface ErrorDetails {
  /** A step of the program (`mount /proc`) or a system call. */
  readonly operation?: string;
  /** `mounts[3].source` */
  readonly property?: string;
  readonly path?: string;
  /** `ENOENT`, … */
  readonly errno?: string;
  /** For people, and no more than likely. */
  readonly cause?: string;
}

/** Whatever of it is known; an empty object for a failure that is all in its message. */
export function errorDetails(error: unknown): ErrorDetails {
  const chain = causesOf(error);
  const text = chain.map(messageOf).join('\n');
  const program = chain.find((one) => one instanceof ProgramFailure);
  const errno = chain
    .map(errorCode)
    .find((code) => code !== undefined && /^E[A-Z0-9]+$/.test(code));
  const operation = program?.stage ?? chain.map(syscallOf).find((name) => name !== undefined);
  const property = program ? program.property : propertyIn(text);
  const path = chain.map(pathOf).find((one) => one !== undefined) ?? pathIn(program?.call ?? text);
  const cause = likelyCause({ errno, property, call: program?.call ?? operation ?? '', text });
  return {
    ...(operation !== undefined && { operation }),
    ...(property !== undefined && { property }),
    ...(path !== undefined && { path }),
    ...(errno !== undefined && { errno }),
    ...(cause !== undefined && { cause }),
  };
}

function causesOf(error: unknown): unknown[] {
  const rest = error instanceof Error && error.cause !== undefined ? causesOf(error.cause) : [];
  return [error, ...rest];
}

function stringField(error: unknown, name: 'syscall' | 'path'): string | undefined {
  if (typeof error !== 'object' || error === null || !(name in error)) return undefined;
  const value = (error as Record<string, unknown>)[name]; // just seen to be there
  return typeof value === 'string' ? value : undefined;
}

const syscallOf = (error: unknown) => stringField(error, 'syscall');
const pathOf = (error: unknown) => stringField(error, 'path');

/** Messages begin with the property, behind what was attempted. */
function propertyIn(text: string): string | undefined {
  const word =
    /(?:^|: )((?:root|process|mounts|hooks|linux|hostname|domainname|annotations|ociVersion)(?:\.\w+|\[[^\]]*\])*)(?=[: ]|$)/m;
  return word.exec(text)?.[1];
}

function pathIn(text: string): string | undefined {
  return /(?:^|[\s("])(\/[^\s":,)]+)/m.exec(text)?.[1];
}

interface Failure {
  readonly errno: string | undefined;
  readonly property: string | undefined;
  readonly call: string;
  readonly text: string;
}

interface KnownCause {
  readonly errno: readonly string[];
  readonly property?: RegExp;
  readonly call?: RegExp;
  readonly cause: string;
}

/** The first that fits. */
const knownCauses: readonly KnownCause[] = [
  { errno: ['ENODEV'], call: /fsopen/, cause: 'the kernel has no such file system' },
  {
    errno: ['EINVAL', 'ENOPARAM'],
    call: /fsconfig/,
    cause: 'the file system does not know this option or value',
  },
  {
    errno: ['ENOENT'],
    property: /^linux\.sysctl/,
    cause: 'the kernel or the namespace has no such sysctl',
  },
  { errno: ['EINVAL'], property: /^linux\.sysctl/, cause: 'the kernel does not take this value' },
  {
    errno: ['EPERM'],
    property: /^process\.rlimits/,
    cause: 'the caller lacks CAP_SYS_RESOURCE, which raises hard limits',
  },
  {
    errno: ['EPERM', 'EACCES'],
    property: /^process\.oomScoreAdj/,
    cause: 'the caller lacks CAP_SYS_RESOURCE, which lowers the score',
  },
  {
    errno: ['EACCES'],
    property: /^linux\.cgroupsPath/,
    cause: 'an ordinary user moves processes only among the groups that were given to him',
  },
  {
    errno: ['ENOSPC'],
    property: /[nN]amespaces|Mappings/,
    cause: 'a limit below /proc/sys/user is reached',
  },
  {
    errno: ['EPERM'],
    property: /Mappings/,
    cause: 'the ids are not those of the caller, or /etc/subuid and /etc/subgid do not give them',
  },
  {
    errno: ['EPERM'],
    call: /unshare|clone/,
    cause: 'user namespaces are forbidden here, or an outer seccomp profile refuses the call',
  },
  {
    errno: ['EAGAIN'],
    call: /clone/,
    cause: 'a limit on processes is reached (RLIMIT_NPROC or pids.max)',
  },
  { errno: ['ELOOP'], cause: 'a symbolic link stands where none may be followed' },
  { errno: ['EXDEV'], cause: 'the path leads out of the root of the container' },
  { errno: ['ENOEXEC'], cause: 'it is for another architecture, or a script without #!' },
  {
    errno: ['EACCES'],
    property: /^process\.args/,
    cause: 'it is not executable for this user, or its file system is mounted noexec',
  },
  { errno: ['EROFS'], cause: 'the file system is read-only' },
  {
    errno: ['ENOSYS'],
    cause: 'the kernel is older than 5.12, or an outer seccomp profile hides the call',
  },
  { errno: ['ENOSPC'], cause: 'the file system is full' },
  {
    errno: ['EPERM', 'EACCES'],
    cause: 'the caller lacks a capability, or a security module forbids it',
  },
];

function likelyCause({ errno, property = '', call, text }: Failure): string | undefined {
  if (text.includes('the loader was killed')) {
    return 'somebody killed it, or the kernel did for want of memory';
  }
  if (errno === undefined) return undefined;
  return knownCauses.find(
    (known) =>
      known.errno.includes(errno) &&
      (known.property?.test(property) ?? true) &&
      (known.call?.test(call) ?? true),
  )?.cause;
}
