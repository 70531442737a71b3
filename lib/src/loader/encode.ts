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

/** A system call in the numbers of one machine; looked up once per program. */
interface Numbers {
  readonly architecture: Architecture;
  readonly errno: (code: string) => number;
}

/**
 * The bytes that the loader of `architecture` executes. Throws RangeError for a number that does not fit.
 *
 * Written through a DataView, which is several times faster than Buffer's methods while they are not compiled yet,
 * and a program is encoded once in the life of its process.
 */
export function encodeProgram(program: Program, architecture: Architecture): Buffer {
  const { operations, relocations, data } = program;
  const relocationsAt = positionOf(operations.length);
  const dataAt = relocationsAt + relocations.length * 8;
  const image = Buffer.alloc(dataAt + data.length);
  const view = new DataView(image.buffer, image.byteOffset, image.length);

  view.setUint32(header.magic, programMagic, true);
  view.setUint32(header.operationCount, operations.length, true);
  view.setUint32(header.relocations, relocationsAt, true);
  view.setUint32(header.relocationCount, relocations.length, true);
  view.setUint32(header.data, dataAt, true);
  view.setUint32(header.dataSize, data.length, true);
  view.setUint32(header.resultDescriptor, program.resultDescriptor, true);
  const numbers = { architecture, errno: rememberErrnos() };
  operations.forEach((operation, index) => {
    encodeOperation(view, positionOf(index), operation, numbers);
  });
  relocations.forEach((offset, index) => {
    view.setUint32(relocationsAt + index * 8, offset, true); // the upper half stays 0
  });
  data.copy(image, dataAt);
  return image;
}

function rememberErrnos(): (code: string) => number {
  const known = new Map<string, number>();
  return (code) => {
    const number = known.get(code) ?? errnoNumber(code);
    known.set(code, number);
    return number;
  };
}

/** Writes `operation` at the offset `at`, where all is 0. */
function encodeOperation(view: DataView, at: number, operation: Operation, numbers: Numbers): void {
  writeRegister(view, at, spareRegister);
  switch (operation.kind) {
    case 'syscall':
      encodeSyscall(view, at, operation, numbers);
      break;
    case 'move':
      view.setUint8(at + field.kind, kinds.move);
      writeRegister(view, at, operation.register.register);
      writeOperand(view, at, 0, operation.value);
      break;
    case 'load':
      view.setUint8(at + field.kind, operation.width === 32 ? kinds.load32 : kinds.load64);
      writeRegister(view, at, operation.register.register);
      writeOperand(view, at, 0, operation.address);
      break;
    case 'store':
      view.setUint8(at + field.kind, operation.width === 32 ? kinds.store32 : kinds.store64);
      writeOperand(view, at, 0, operation.address);
      writeOperand(view, at, 1, operation.register);
      break;
    case 'branch':
      view.setUint8(at + field.kind, kinds.branch);
      writeOperand(view, at, 0, operation.register);
      writeOperand(view, at, 1, operation.mask);
      writeOperand(view, at, 2, operation.value);
      view.setUint32(at + field.targets, positionOf(operation.target), true);
      break;
    case 'fail':
      view.setUint8(at + field.kind, kinds.fail);
      writeOperand(view, at, 0, -numbers.errno(operation.errno));
      break;
  }
}

function encodeSyscall(
  view: DataView,
  at: number,
  { name, args, result, demand, retry, onErrno }: SyscallOperation,
  { architecture, errno }: Numbers,
): void {
  view.setUint8(at + field.kind, kinds.syscall);
  view.setUint16(at + field.number, syscallNumber(name, architecture), true);
  if (result) writeRegister(view, at, result.register);
  view.setUint8(at + field.demand, demands[demandKind(demand)]);
  if (typeof demand === 'number') writeConstant(view, at + field.demanded, demand);
  // close(2): the descriptor is gone even when EINTR is reported; another try could close somebody else's.
  if (name !== 'close') view.setUint16(at + field.interrupted, errno('EINTR'), true);
  if (retry) {
    view.setUint16(at + field.retryErrno, errno(retry.errno), true);
    view.setUint16(at + field.retries, retry.times, true);
  }
  args.forEach((argument, index) => {
    writeOperand(view, at, index, argument);
  });
  onErrno.forEach((branch, index) => {
    view.setUint16(at + field.errnos + 2 * index, errno(branch.errno), true);
    view.setUint32(at + field.targets + 4 * index, positionOf(branch.target), true);
  });
}

/** Where the operation `index` begins, in bytes from the start of the program. */
function positionOf(index: number): number {
  return headerSize + index * operationSize;
}

function writeRegister(view: DataView, at: number, register: number): void {
  view.setUint16(at + field.register, register * 8, true);
}

function demandKind(demand: Demand): keyof typeof demands {
  return typeof demand === 'number' ? 'exact' : demand;
}

function writeOperand(view: DataView, at: number, index: number, operand: Operand): void {
  const valueAt = at + field.operands + 8 * index;
  const kindAt = at + field.operandKinds + index;
  if (operand instanceof Data) {
    view.setUint8(kindAt, operandKinds.data);
    view.setUint32(valueAt, operand.offset, true);
  } else if (typeof operand === 'object') {
    view.setUint8(kindAt, operandKinds.register);
    view.setUint32(valueAt, operand.register * 8, true);
  } else {
    view.setUint8(kindAt, operandKinds.constant);
    writeConstant(view, valueAt, operand);
  }
}

/** 64 bits. Signed and unsigned numbers are the same bits to the kernel. */
function writeConstant(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    view.setInt32(at, value | 0, true); // the lower 32 bits, as ToInt32 defines it
    view.setInt32(at + 4, Math.floor(value / 0x1_0000_0000), true);
    return;
  }
  const wide = BigInt(value);
  const bits = BigInt.asIntN(64, wide);
  if (bits !== wide && BigInt.asUintN(64, wide) !== wide) {
    throw new RangeError(`${wide} does not fit into 64 bits`);
  }
  view.setBigInt64(at, bits, true);
}
