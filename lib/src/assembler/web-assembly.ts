/**
 * WebAssembly modules of one function and one memory, written out by name (core specification, chapter 5). What follows
 * an instruction is its operands' code, so that nested calls read like expressions.
 */

export type Code = readonly number[];

/** A module that exports `run`, whose parameters are `parameters` numbers of 32 bits, and its `memory`. */
export function webAssemblyModule(body: {
  parameters: number;
  /** Further variables of 32 bits, and of 128, numbered on after the parameters. */
  numbers: number;
  vectors: number;
  /** Pages of 64 KiB that the memory begins with. */
  pages: number;
  code: Code;
}): Uint8Array<ArrayBuffer> {
  const { parameters, numbers, vectors, pages, code } = body;
  const locals = [2, ...unsigned(numbers), i32, ...unsigned(vectors), v128];
  const whole = [...locals, ...code, end];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, ...unsigned(parameters), ...Array<number>(parameters).fill(i32), 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...unsigned(pages)]),
    ...section(7, [2, ...name('run'), 0, 0, ...name('memory'), 2, 0]),
    ...section(10, [1, ...unsigned(whole.length), ...whole]),
  ]);
}

const i32 = 0x7f;
const v128 = 0x7b;
const end = 0x0b;
const noResult = 0x40;

function section(id: number, content: Code): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  if (value >= -0x40 && value < 0x40) return [value & 0x7f];
  return [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

export const constant = (value: number): Code => [0x41, ...signed(value)];
export const get = (variable: number): Code => [0x20, variable];
export const set = (variable: number, value: Code): Code => [...value, 0x21, variable];
/** {@link set} that is also its value. */
export const tee = (variable: number, value: Code): Code => [...value, 0x22, variable];

const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, opcode];

export const add = binary(0x6a);
export const subtract = binary(0x6b);
export const or = binary(0x72);
export const shiftLeft = binary(0x74);
export const equals = binary(0x46);
export const isBelow = binary(0x49);
export const isAtLeast = binary(0x4f);
export const countTrailingZeros = (value: Code): Code => [...value, 0x68];
/** `a` if `condition`, else `b`. */
export const select = (a: Code, b: Code, condition: Code): Code => [...a, ...b, ...condition, 0x1b];

export const load8 = (address: Code, offset = 0): Code => [
  ...address,
  0x2d,
  0,
  ...unsigned(offset),
];
export const store32 = (address: Code, value: Code, offset = 0): Code => [
  ...[...address, ...value, 0x36, 0],
  ...unsigned(offset),
];
/** Copies eight bytes. */
export const copy64 = (target: Code, source: Code): Code => [
  ...[...target, ...source, 0x29, 0, 0, 0x37, 0, 0],
];

const vector = (opcode: number): Code => [0xfd, ...unsigned(opcode)];

export const loadVector = (address: Code): Code => [...address, ...vector(0), 0, 0];
export const storeVector = (address: Code, value: Code): Code => [
  ...[...address, ...value, ...vector(11), 0, 0],
];
/** Sixteen times the same byte. */
export const splat = (value: Code): Code => [...value, ...vector(15)];
/** Byte by byte: all ones where it holds. */
export const vectorEquals = (a: Code, b: Code): Code => [...a, ...b, ...vector(35)];
export const vectorIsLessSigned = (a: Code, b: Code): Code => [...a, ...b, ...vector(37)];
export const vectorOr = (a: Code, b: Code): Code => [...a, ...b, ...vector(80)];
/** The highest bit of each byte. */
export const bitmask = (value: Code): Code => [...value, ...vector(100)];

/** `leave(0)` within leaves it. */
export const block = (...code: Code[]): Code => [0x02, noResult, ...code.flat(), end];
/** `leave(0)` within begins it again. */
export const loop = (...code: Code[]): Code => [0x03, noResult, ...code.flat(), end];
export const when = (condition: Code, ...code: Code[]): Code => [
  ...[...condition, 0x04, noResult],
  ...[...code.flat(), end],
];
/** Out of the block that is `depth` around the innermost one. */
export const leave = (depth: number): Code => [0x0c, depth];
export const leaveIf = (depth: number, condition: Code): Code => [...condition, 0x0d, depth];
