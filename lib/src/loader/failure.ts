/** How the loader reports that an operation did not give what the program demands, and what we make of it. */
import { StackError } from '#spec/errors';
import { errnoName, SyscallError } from '#lib/sys/libc';
import { headerSize, operationSize } from './encode.ts';
import { printOperation } from './print.ts';
import { programMagic, type Operation, type Program } from './program.ts';

/** Offsets in the record that the loader writes before it exits; every field is a u64 or i64. */
export const record = {
  /** {@link programMagic} */
  magic: 0,
  /** Where the operation begins, in bytes from the start of the encoded program. */
  operation: 8,
  /** What the kernel answered. */
  result: 16,
  /** Of the loader or its clone, in its own pid namespace. */
  pid: 24,
} as const;
export const failureRecordSize = 32;

/** The operation that failed, and how. */
export interface LoaderFailure {
  readonly index: number;
  readonly operation: Operation;
  /** What the kernel answered: -errno, or a result that the program does not allow. */
  readonly result: number;
  /** `ENOENT`, … if the result is an errno. */
  readonly code?: string;
  /** Of the process that failed, in its own pid namespace. */
  readonly pid: number;
}

/**
 * Reads what came through a result descriptor. Nothing means that no operation failed.
 * Throws data_loss for anything but one whole record of this program.
 */
export function parseFailure(program: Program, bytes: Buffer): LoaderFailure | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length !== failureRecordSize || bytes.readUInt32LE(record.magic) !== programMagic) {
    throw new StackError('data_loss', `the loader sent ${bytes.length} bytes that are no record`);
  }
  const index = (Number(bytes.readBigUInt64LE(record.operation)) - headerSize) / operationSize;
  const operation = program.operations[index];
  if (!operation) throw new StackError('data_loss', `the loader failed at operation ${index}`);
  const result = Number(bytes.readBigInt64LE(record.result));
  const pid = Number(bytes.readBigUInt64LE(record.pid));
  const code = result < 0 && result >= -4095 ? errnoName(-result) : undefined;
  return { index, operation, result, ...(code !== undefined && { code }), pid };
}

/** An operation of a program that failed, as an error. */
export class ProgramFailure extends StackError {
  override readonly name = 'ProgramFailure';
  /** What the program was doing: `mount /proc`. */
  readonly stage: string;
  /** What of config.json asked for it. */
  readonly property: string | undefined;
  /** The operation as it is printed. */
  readonly call: string;

  constructor({ stage, property }: Operation, call: string, outcome: string, cause?: SyscallError) {
    const where = property === undefined ? stage : `${stage} (${property})`;
    super(cause?.kind ?? 'internal', `${where}: ${call}: ${outcome}`, { cause });
    this.stage = stage;
    this.property = property;
    this.call = call;
  }
}

/**
 * The failure as an error: `mount proc (mounts[0]): fsopen("proc", FSOPEN_CLOEXEC): EPERM`. Its kind is what
 * the errno means; a {@link SyscallError} is its cause.
 */
export function failureError(
  program: Program,
  { operation, result, code }: LoaderFailure,
): ProgramFailure {
  const call = printOperation(program, operation).split('   ', 1)[0] ?? ''; // without the notes
  if (code === undefined) return new ProgramFailure(operation, call, `unexpected result ${result}`);
  const name = operation.kind === 'syscall' ? operation.name : 'loader';
  return new ProgramFailure(operation, call, code, new SyscallError(name, -result));
}
