/**
 * Decoders for request bodies by the rules of Go's encoding/json, in which docker's clients trust: field names in any
 * case, null and absent mean the zero value, unknown fields are ignored.
 */
import { array, object, reject, string, type Decoder, type Fields } from '#spec/json-decoder';

/** Like `object` of #spec/json-decoder, with keys matched in any case (an exact match wins, as in Go). */
export function goObject<T extends object>(fields: Fields<T>): Decoder<T> {
  const decode = object<T>(fields);
  const canonical = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return decode(value, path); // words the refusal
    }
    const renamed: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const name = canonical.get(key.toLowerCase());
      if (name !== undefined && (name === key || !Object.hasOwn(value, name))) renamed[name] = item;
    }
    return decode(renamed, path);
  };
}

/** docker's `strslice`: a list of strings, or one string, which is a list of one. */
export const stringSlice: Decoder<string[]> = (value, path) =>
  typeof value === 'string' ? [value] : array(string)(value, path);

/** Go's `map[string]struct{}`. */
export const stringSet: Decoder<Record<string, object>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return reject(path, 'expected an object');
  }
  return Object.fromEntries(Object.keys(value).map((key) => [key, {}]));
};

/** Whether `value` is what Go would call the zero value of any type, or an empty list or map. */
export function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) {
    return true;
  }
  return typeof value === 'object' && Object.values(value).every(isZero);
}
