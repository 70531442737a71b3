/** Signatures of D-Bus: which types a value is made of (D-Bus specification, "Type System"). */
import { StackError } from '#spec/errors';

/** A value with its type, where the type is not known beforehand: `v`. */
export interface Variant {
  readonly signature: string;
  readonly value: Value;
}

/**
 * What a signature describes: numbers for y n q i u d, bigints for x t, booleans, strings for s o g, arrays for a,
 * for structures and for the pairs of dictionaries; bytes for `ay`.
 */
export type Value = number | bigint | boolean | string | Uint8Array | Variant | readonly Value[];

/** What must be a text: a name, a path. Throws invalid_argument for another value. */
export function textOf(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new StackError('invalid_argument', 'a text was expected over D-Bus');
}

export const basicTypes = 'ybnqiuxtdsog';
const deepestNesting = 32;

/** Splits a signature into complete types: `sa{sv}(ii)` is s, a{sv}, (ii). Throws invalid_argument. */
export function completeTypes(signature: string): string[] {
  const types: string[] = [];
  for (let start = 0; start < signature.length;) {
    const end = typeEnd(signature, start, 0);
    types.push(signature.slice(start, end));
    start = end;
  }
  return types;
}

/** Where the complete type that begins at `start` ends. */
function typeEnd(signature: string, start: number, depth: number): number {
  const type = signature[start];
  if (type === undefined || depth > deepestNesting) throw invalid(signature);
  if (basicTypes.includes(type) || type === 'v') return start + 1;
  if (type === 'a') return arrayEnd(signature, start + 1, depth + 1);
  if (type !== '(') throw invalid(signature);
  let at = start + 1;
  if (signature[at] === ')') throw invalid(signature); // a structure has fields
  while (signature[at] !== ')') at = typeEnd(signature, at, depth + 1);
  return at + 1;
}

/** A pair of a dictionary occurs in an array only, and its key is basic. */
function arrayEnd(signature: string, start: number, depth: number): number {
  if (signature[start] !== '{') return typeEnd(signature, start, depth);
  const key = signature[start + 1] ?? '';
  if (key === '' || !basicTypes.includes(key)) throw invalid(signature);
  const end = typeEnd(signature, start + 2, depth);
  if (signature[end] !== '}') throw invalid(signature);
  return end + 1;
}

function invalid(signature: string): StackError {
  return new StackError('invalid_argument', `"${signature}" is not a signature of D-Bus`);
}

/** On which multiple of bytes a value of `type` begins. */
export function alignmentOf(type: string): number {
  switch (type[0]) {
    case 'y':
    case 'g':
    case 'v':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'x':
    case 't':
    case 'd':
    case '(':
    case '{':
      return 8;
    default:
      return 4; // b i u, and the lengths of s o a
  }
}

/** Types inside `(…)` or `{…}`. */
export function fieldTypes(type: string): string[] {
  return type[0] === '{'
    ? [type[1] ?? '', ...completeTypes(type.slice(2, -1))]
    : completeTypes(type.slice(1, -1));
}
