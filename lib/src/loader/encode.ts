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
import {
  programMagic,
  registerCount,
  type Demand,
  type Operand,
  type Operation,
  type Program,
  type Register,
  type SyscallOperation,
} from './program.ts';
import { syscallNumber, type Architecture } from '#lib/sys/syscalls';

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

/** Offsets in an operation. Registers and places in the program are byte offsets, so that the loader need not multiply. */
export const field = {
  /** u8, see {@link kinds}. */
  kind: 0,
  /** u8, see {@link demands}. */
  demand: 1,
  /** u16: register for the result, in bytes; where nobody asked for it, the spare one. */
  register: 2,
  /** u16: number of the system call. */
  number: 4,
  /** u16: errno that repeats the call without end: EINTR, or 0 for none. */
  interrupted: 6,
  /** u16: further errno that repeats the call, up to `retries` times. */
  retryErrno: 8,
  /** u16 */
  retries: 10,
  /** 6 × u8, see {@link operandKinds}. */
  operandKinds: 12,
  /** 6 × i64; a register in bytes. */
  operands: 24,
  /** i64: the one result that an exact demand allows. */
  demanded: 72,
  /** 4 × u16: errnos with a branch of their own; 0 ends them. */
  errnos: 80,
  /** 4 × u32: where these go on, in bytes from the start of the program. A branch has its target in the first. */
  targets: 88,
} as const;
export const operationSize = 104;

/** Operands per kind: syscall = its arguments; move = value; load = address; store = address, value; branch = value, mask, compared value; fail = -errno. */
export const kinds = {
  syscall: 0,
  move: 1,
  load32: 2,
  load64: 3,
  store32: 4,
  store64: 5,
  branch: 6,
  fail: 7,
} as const;

export const operandKinds = { constant: 0, data: 1, register: 2 } as const;

export const demands = { any: 0, nonnegative: 1, exact: 2 } as const;

/** Takes the results nobody asked for: one behind those a program can name. */
const spareRegister = registerCount;

/** The bytes that the loader of `architecture` executes. Throws RangeError for a number that does not fit. */
export function encodeProgram(program: Program, architecture: Architecture): Buffer {
  const { operations, relocations, data } = program;
  const relocationsAt = positionOf(operations.length);
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
    const at = positionOf(index);
    encodeOperation(image.subarray(at, at + operationSize), operation, architecture);
  });
  relocations.forEach((offset, index) => {
    image.writeBigUInt64LE(BigInt(offset), relocationsAt + index * 8);
  });
  data.copy(image, dataAt);
  return image;
}

function encodeOperation(slot: Buffer, operation: Operation, architecture: Architecture): void {
  writeRegister(slot, { register: spareRegister });
  switch (operation.kind) {
    case 'syscall':
      encodeSyscall(slot, operation, architecture);
      break;
    case 'move':
      slot.writeUInt8(kinds.move, field.kind);
      writeRegister(slot, operation.register);
      writeOperand(slot, 0, operation.value);
      break;
    case 'load':
      slot.writeUInt8(operation.width === 32 ? kinds.load32 : kinds.load64, field.kind);
      writeRegister(slot, operation.register);
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
      slot.writeUInt32LE(positionOf(operation.target), field.targets);
      break;
    case 'fail':
      slot.writeUInt8(kinds.fail, field.kind);
      writeOperand(slot, 0, -errnoNumber(operation.errno));
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
  if (operation.result) writeRegister(slot, operation.result);
  slot.writeUInt8(demands[demandKind(operation.demand)], field.demand);
  if (typeof operation.demand === 'number') {
    slot.writeBigInt64LE(BigInt(operation.demand), field.demanded);
  }
  // close(2): the descriptor is gone even when EINTR is reported; another try could close somebody else's.
  if (operation.name !== 'close') slot.writeUInt16LE(errnoNumber('EINTR'), field.interrupted);
  if (operation.retry) {
    slot.writeUInt16LE(errnoNumber(operation.retry.errno), field.retryErrno);
    slot.writeUInt16LE(operation.retry.times, field.retries);
  }
  operation.args.forEach((argument, index) => {
    writeOperand(slot, index, argument);
  });
  operation.onErrno.forEach(({ errno, target }, index) => {
    slot.writeUInt16LE(errnoNumber(errno), field.errnos + 2 * index);
    slot.writeUInt32LE(positionOf(target), field.targets + 4 * index);
  });
}

/** Where the operation `index` begins, in bytes from the start of the program. */
function positionOf(index: number): number {
  return headerSize + index * operationSize;
}

function writeRegister(slot: Buffer, { register }: Register): void {
  slot.writeUInt16LE(register * 8, field.register);
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
    slot.writeBigInt64LE(BigInt(operand.register * 8), at);
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
