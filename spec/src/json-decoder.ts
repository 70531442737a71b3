/**
 * Small functions that check a parsed JSON document and give it a type. An error names the place in the document:
 * `process.args[2]: expected a string, got 7`. As in Go, whose programs write these documents, null is the same as
 * absent, and properties that nobody asked for are ignored.
 */
import { StackError } from './errors.ts';

/** Returns `value` as a T or throws a {@link StackError} of kind invalid_argument that names `path`. */
export type Decoder<T> = (value: unknown, path: string) => T;

/** A property that may be absent. */
export interface OptionalField<T> {
  readonly optional: Decoder<T>;
}

/** One decoder for each property of T, marked by {@link optional} exactly where T's property is optional. */
export type Fields<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K>
    ? OptionalField<Exclude<T[K], undefined>>
    : Decoder<T[K]>;
};

/** Throws invalid_argument for what stands at `path`. */
export function reject(path: string, problem: string): never {
  throw new StackError('invalid_argument', `${path || 'document'}: ${problem}`);
}

/** `process.args` for (`process`, `args`); `annotations["a b"]` where the name is no identifier. */
export function memberPath(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

export const string: Decoder<string> = (value, path) =>
  typeof value === 'string' ? value : reject(path, `expected a string, got ${describe(value)}`);

export const boolean: Decoder<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : reject(path, `expected a boolean, got ${describe(value)}`);

/** Any JSON value, unchecked. */
export const anything: Decoder<unknown> = (value) => value;

/** A string that the kernel can take: no NUL inside. */
export const cString: Decoder<string> = (value, path) => {
  const text = string(value, path);
  return text.includes('\0') ? reject(path, 'contains a NUL character') : text;
};

/** A path from the root. */
export const absolutePath: Decoder<string> = (value, path) => {
  const text = cString(value, path);
  return text.startsWith('/') ? text : reject(path, `"${text}" is not an absolute path`);
};

/** A string with at least one character. */
export const nonEmptyString: Decoder<string> = (value, path) =>
  cString(value, path) || reject(path, 'must not be empty');

/** An integer from `minimum` to `maximum`, both included. */
export function integer(minimum: number, maximum: number): Decoder<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return reject(path, `expected an integer, got ${describe(value)}`);
    }
    if (value < minimum || value > maximum) {
      return reject(path, `${value} is out of range (${minimum} to ${maximum})`);
    }
    return value;
  };
}

export const uint8 = integer(0, 0xff);
export const uint16 = integer(0, 0xffff);
export const uint32 = integer(0, 0xffff_ffff);
export const int32 = integer(-0x8000_0000, 0x7fff_ffff);
/** JavaScript rounds integers above 2^53; 2^64 - 1 arrives as 2^64. */
export const uint64 = integer(0, 2 ** 64);
/** JavaScript rounds integers above 2^53; 2^63 - 1 arrives as 2^63. */
export const int64 = integer(-(2 ** 63), 2 ** 63);

/** One of a closed list of strings. */
export function oneOf<const T extends string>(choices: readonly T[]): Decoder<T> {
  const set: ReadonlySet<string> = new Set<string>(choices);
  return (value, path) => {
    const text = string(value, path);
    // `set` holds nothing but members of T.
    return set.has(text)
      ? (text as T)
      : reject(path, `"${text}" is not one of ${choices.join(', ')}`);
  };
}

/** A list; absent elements (null) are errors. */
export function array<T>(element: Decoder<T>): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) return reject(path, `expected an array, got ${describe(value)}`);
    return value.map((item, index) => element(item, `${path}[${index}]`));
  };
}

/** An object whose keys are free, as a Go map. */
export function record<T>(member: Decoder<T>): Decoder<Record<string, T>> {
  return (value, path) =>
    Object.fromEntries(
      Object.entries(plainObject(value, path)).map(([key, item]) => [
        key,
        member(item, memberPath(path, key)),
      ]),
    );
}

/** Marks a property that may be absent or null; the result then has no such property. */
export function optional<T>(decoder: Decoder<T>): OptionalField<T> {
  return { optional: decoder };
}

/** An object with the given properties. */
export function object<T extends object>(fields: Fields<T>): Decoder<T> {
  const entries = Object.entries<Decoder<unknown> | OptionalField<unknown>>(fields);
  return (value, path) => {
    const source = plainObject(value, path);
    const result: Record<string, unknown> = {};
    for (const [key, field] of entries) {
      const item = Object.hasOwn(source, key) ? source[key] : undefined;
      const absent = item === undefined || item === null;
      if (typeof field === 'function') {
        const at = memberPath(path, key);
        result[key] = absent ? reject(at, 'is required') : field(item, at);
      } else if (!absent) {
        result[key] = field.optional(item, memberPath(path, key));
      }
    }
    return result as T; // what Fields<T> describes, property by property
  };
}

/** `decoder`, then a check that sees the whole typed value and calls {@link reject} if it does not hold. */
export function refine<T>(
  decoder: Decoder<T>,
  check: (value: T, path: string) => void,
): Decoder<T> {
  return (value, path) => {
    const decoded = decoder(value, path);
    check(decoded, path);
    return decoded;
  };
}

function plainObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return reject(path, `expected an object, got ${describe(value)}`);
  }
  return value as Record<string, unknown>; // JSON objects have string keys only
}

/** How a message shows a wrong value: short, and never a whole document. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
