/**
 * The binary form of a program, which the loader maps and executes (loader-x64.ts, loader-arm64.ts read it).
 * All numbers are little-endian:
 *
 *   header        32 bytes, see {@link header}
 *   operations    {@link operationSize} bytes each, see {@link field}
 *   relocations   u64 each: offsets in the data
 *   data          aligned to 8; at the very end, so that no bounds check needs more than its size
 */
import { errnoNumber } from '#lib/sys/libc';
import { Data } from './data.ts';
import type { Demand, Operand, Operation, Program, SyscallOperation } from './program.ts';
import { syscallNumber, type Architecture } from './syscalls.ts';

/** Offsets in the header; all fields are u32. */
export const header = {
  magic: 0,
  operationCount: 4,
  /** From the start of the program, in bytes. */
  relocations: 8,
  relocationCount: 12,
  /** From the start of the program, in bytes. */
  data: 16,
  dataSize: 20,
  resultDescriptor: 24,
} as const;
export const headerSize = 32;

/** First word of an encoded program, and first word of a failure record. */
export const programMagic = 0x31475250; // "PRG1"

/** Offsets in an operation. */
export const field = {
  /** u8, see {@link kinds}. */
  kind: 0,
  /** u8: register for the result. System calls without one name the spare register. */
  register: 1,
  /** u8, see {@link demands}. */
  demand: 2,
  /** u8, 1: EINTR repeats the call. */
  retryInterrupted: 3,
  /** u16: number of the system call. */
  number: 4,
  /** u16: further errno that repeats the call, up to `retries` times. */
  retryErrno: 6,
  /** u16 */
  retries: 8,
  /** 6 × u8, see {@link operandKinds}. */
  operandKinds: 10,
  /** 6 × i64 */
  operands: 16,
  /** i64: the one result that an exact demand allows. */
  demanded: 64,
  /** 4 × { u16 errno, u16 operation to go on at }, errno 0 ends them; a branch has its target in the first. */
  errnoBranches: 72,
} as const;
export const operationSize = 88;

/** Operands per kind: syscall = its arguments; move = value; load = address; store = address, value; branch = value, mask, compared value. */
export const kinds = {
  syscall: 0,
  move: 1,
  load32: 2,
  load64: 3,
  store32: 4,
  store64: 5,
  branch: 6,
} as const;

export const operandKinds = { constant: 0, data: 1, register: 2 } as const;

export const demands = { any: 0, nonnegative: 1, exact: 2 } as const;

/** Takes the results nobody asked for; the builder never hands it out. */
export const spareRegister = 32;

/** The bytes that the loader of `architecture` executes. Throws RangeError for a program beyond the format's limits. */
export function encodeProgram(program: Program, architecture: Architecture): Buffer {
  const { operations, relocations, data } = program;
  if (operations.length > 0xffff) throw new RangeError('a program has at most 65535 operations');
  const relocationsAt = headerSize + operations.length * operationSize;
  const dataAt = relocationsAt + relocations.length * 8;
  const image = Buffer.alloc(dataAt + data.length);

  image.writeUInt32LE(programMagic, header.magic);
  image.writeUInt32LE(operations.length, header.operationCount);
  image.writeUInt32LE(relocationsAt, header.relocations);
  image.writeUInt32LE(relocations.length, header.relocationCount);
  image.writeUInt32LE(dataAt, header.data);
  image.writeUInt32LE(data.length, header.dataSize);
  image.writeUInt32LE(program.resultDescriptor, header.resultDescriptor);
  operations.forEach((operation, index) => {
    const at = headerSize + index * operationSize;
    encodeOperation(image.subarray(at, at + operationSize), operation, architecture);
  });
  relocations.forEach((offset, index) => {
    image.writeBigUInt64LE(BigInt(offset), relocationsAt + index * 8);
  });
  data.copy(image, dataAt);
  return image;
}

function encodeOperation(slot: Buffer, operation: Operation, architecture: Architecture): void {
  slot.writeUInt8(spareRegister, field.register);
  switch (operation.kind) {
    case 'syscall':
      encodeSyscall(slot, operation, architecture);
      break;
    case 'move':
      slot.writeUInt8(kinds.move, field.kind);
      slot.writeUInt8(operation.register.register, field.register);
      writeOperand(slot, 0, operation.value);
      break;
    case 'load':
      slot.writeUInt8(operation.width === 32 ? kinds.load32 : kinds.load64, field.kind);
      slot.writeUInt8(operation.register.register, field.register);
      writeOperand(slot, 0, operation.address);
      break;
    case 'store':
      slot.writeUInt8(operation.width === 32 ? kinds.store32 : kinds.store64, field.kind);
      writeOperand(slot, 0, operation.address);
      writeOperand(slot, 1, operation.register);
      break;
    case 'branch':
      slot.writeUInt8(kinds.branch, field.kind);
      writeOperand(slot, 0, operation.register);
      writeOperand(slot, 1, operation.mask);
      writeOperand(slot, 2, operation.value);
      slot.writeUInt16LE(operation.target, field.errnoBranches + 2);
      break;
  }
}

function encodeSyscall(
  slot: Buffer,
  operation: SyscallOperation,
  architecture: Architecture,
): void {
  slot.writeUInt8(kinds.syscall, field.kind);
  slot.writeUInt16LE(syscallNumber(operation.name, architecture), field.number);
  if (operation.result) slot.writeUInt8(operation.result.register, field.register);
  slot.writeUInt8(demands[demandKind(operation.demand)], field.demand);
  if (typeof operation.demand === 'number') {
    slot.writeBigInt64LE(BigInt(operation.demand), field.demanded);
  }
  // close(2): the descriptor is gone even when EINTR is reported; another try could close somebody else's.
  slot.writeUInt8(operation.name === 'close' ? 0 : 1, field.retryInterrupted);
  if (operation.retry) {
    slot.writeUInt16LE(errnoNumber(operation.retry.errno), field.retryErrno);
    slot.writeUInt16LE(operation.retry.times, field.retries);
  }
  operation.args.forEach((argument, index) => {
    writeOperand(slot, index, argument);
  });
  operation.onErrno.forEach(({ errno, target }, index) => {
    slot.writeUInt16LE(errnoNumber(errno), field.errnoBranches + 4 * index);
    slot.writeUInt16LE(target, field.errnoBranches + 4 * index + 2);
  });
}

function demandKind(demand: Demand): keyof typeof demands {
  return typeof demand === 'number' ? 'exact' : demand;
}

function writeOperand(slot: Buffer, index: number, operand: Operand): void {
  const at = field.operands + 8 * index;
  const kindAt = field.operandKinds + index;
  if (operand instanceof Data) {
    slot.writeUInt8(operandKinds.data, kindAt);
    slot.writeBigInt64LE(BigInt(operand.offset), at);
  } else if (typeof operand === 'object') {
    slot.writeUInt8(operandKinds.register, kindAt);
    slot.writeBigInt64LE(BigInt(operand.register), at);
  } else {
    slot.writeUInt8(operandKinds.constant, kindAt);
    slot.writeBigInt64LE(constant(operand), at);
  }
}

/** Signed and unsigned 64-bit numbers are the same bits to the kernel. */
function constant(value: number | bigint): bigint {
  const wide = BigInt(value);
  const bits = BigInt.asIntN(64, wide);
  if (bits !== wide && BigInt.asUintN(64, wide) !== wide) {
    throw new RangeError(`${wide} does not fit into 64 bits`);
  }
  return bits;
}
