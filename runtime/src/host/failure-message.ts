/** What a failed program means in the words that docker, containerd and podman look for. */
import fs from 'node:fs';
import { failureError, failureRecordSize, record, type LoaderFailure } from '#lib/loader/failure';
import { programMagic, type Program } from '#lib/loader/program';
import { errnoName, SyscallError } from '#lib/sys/libc';
import { capabilityNumber } from '#spec/capabilities';
import { StackError } from '#spec/errors';
import type { Process } from '#spec/oci/process';
import { parseHookFailure } from '../compile/container-hooks.ts';
import { executableStages } from '../compile/executable.ts';

/** strerror(3) of the errnos that clients know by their text (docker makes 126 and 127 of them). */
const phrases: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory: permission denied',
  ENOTDIR: 'not a directory',
  ENOEXEC: 'exec format error',
  ELOOP: 'too many levels of symbolic links',
  ETXTBSY: 'text file busy',
  E2BIG: 'argument list too long',
  EBUSY: 'device or resource busy',
  ENOSPC: 'no space left on device',
  EMFILE: 'too many open files',
  EINVAL: 'invalid argument',
  ENODEV: 'no such device',
  ENXIO: 'no such device or address',
  ENOMEM: 'cannot allocate memory',
  ENOSYS: 'function not implemented',
  EOPNOTSUPP: 'operation not supported',
  EROFS: 'read-only file system',
  ERANGE: 'numerical result out of range',
  EAGAIN: 'resource temporarily unavailable',
  ENAMETOOLONG: 'file name too long',
  EXDEV: 'invalid cross-device link',
  EIO: 'input/output error',
};

/** `unable to start container process: …`, or the failed operation with its property. */
export function startFailure(
  program: Program,
  failure: LoaderFailure,
  { args, cwd }: Process,
  hookOutput?: string,
): StackError {
  const error = failureError(program, failure);
  const phrase = failure.code === undefined ? undefined : phrases[failure.code];
  const hook = containerHookOf(failure);
  if (hook) {
    const reason = parseHookFailure(failure.result)?.reason ?? phrase ?? error.message;
    return hookFailure(hook, reason, hookOutput);
  }
  const [name = ''] = args;
  const { stage, property } = failure.operation;
  const text = ((): string => {
    if (stage === executableStages.notInPath) {
      return `exec: "${name}": executable file not found in $PATH`;
    }
    if (stage === executableStages.atPath) {
      return `exec: "${name}": ${failure.code === 'ENOENT' ? `stat ${name}: ` : ''}${phrase ?? error.message}`;
    }
    if (stage === executableStages.execute) return `exec ${name}: ${phrase ?? error.message}`;
    if (property === 'process.cwd') return `chdir to cwd ("${cwd}"): ${phrase ?? error.message}`;
    const hint = failure.code === 'EPERM' ? reasonOfRefusal(property) : undefined;
    if (hint !== undefined) return `${error.message} (${phrase ?? ''}: ${hint})`;
    return phrase === undefined ? error.message : `${error.message} (${phrase})`;
  })();
  return new StackError(error.kind, `unable to start container process: ${text}`, { cause: error });
}

interface Privilege {
  readonly property: RegExp;
  readonly capability: string;
  /** What the kernel wants besides. */
  readonly otherwise?: string;
}

/** What the kernel wants for a property beyond the ordinary; EPERM alone does not say it. */
const privileges: readonly Privilege[] = [
  { property: /^process\.rlimits/, capability: 'CAP_SYS_RESOURCE' },
  {
    property: /^process\.scheduler$/,
    capability: 'CAP_SYS_NICE',
    otherwise:
      'the cgroup has no time for realtime processes, which linux.resources.cpu.realtimeRuntime gives it',
  },
  { property: /^linux\.memoryPolicy$/, capability: 'CAP_SYS_NICE' },
  { property: /^process\.ioPriority$/, capability: 'CAP_SYS_ADMIN' },
];

function reasonOfRefusal(property = ''): string | undefined {
  const wanted = privileges.find((privilege) => privilege.property.test(property));
  if (!wanted) return undefined;
  const number = capabilityNumber(wanted.capability) ?? 0;
  const held = /^CapEff:\s*(\w+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];
  if ((BigInt(`0x${held ?? '0'}`) >> BigInt(number)) & 1n) return wanted.otherwise;
  return `this needs ${wanted.capability}, which the caller does not hold`;
}

/** The hook that was to run when the program failed. */
function containerHookOf({ operation }: LoaderFailure): string | undefined {
  const [, kind, index] = /^hooks\.(\w+)\[(\d+)\]$/.exec(operation.property ?? '') ?? [];
  return kind === undefined ? undefined : `${kind} hook #${index ?? ''}`;
}

function hookFailure(hook: string, reason: string, output = ''): StackError {
  const text = output && `, output: ${output}`;
  return new StackError('internal', `error running ${hook}: ${reason}${text}`);
}

/**
 * The same for what `start` finds on the exec fifo, when the program itself is gone (the layout is that of
 * compile/container-hooks.ts): of an operation nothing but its errno, of a startContainer hook all there is.
 */
export function lateFailure(bytes: Buffer, { args }: Pick<Process, 'args'>): StackError {
  const first = resultAt(bytes, 0);
  const phrase = first === undefined || first >= 0 ? undefined : phraseOf(first);
  const last = bytes.length - failureRecordSize;
  const failure = parseHookFailure(resultAt(bytes, last) ?? -1);
  if (failure) {
    const output = bytes.toString('utf8', phrase === undefined ? 0 : failureRecordSize, last);
    const hook = `startContainer hook #${failure.index}`;
    return hookFailure(hook, phrase ?? failure.reason, output.trim());
  }
  return new StackError(
    'internal',
    `unable to start container process: exec ${args[0] ?? ''}: ${phrase ?? 'unknown failure'}`,
    { ...(phrase !== undefined && { cause: new SyscallError('execve', -(first ?? 0)) }) },
  );
}

/** The result in the record at this offset; undefined if there is none. */
function resultAt(bytes: Buffer, offset: number): number | undefined {
  if (offset < 0 || offset + failureRecordSize > bytes.length) return undefined;
  if (bytes.readUInt32LE(offset + record.magic) !== programMagic) return undefined;
  return Number(bytes.readBigInt64LE(offset + record.result));
}

function phraseOf(result: number): string {
  const name = errnoName(-result);
  return phrases[name] ?? name;
}
