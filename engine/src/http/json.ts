/** JSON as Go's encoder writes it on this API: one value, one newline, 64-bit integers with all their digits. */

// In V8 since 11.4; the language's own declarations do not have it yet.
declare global {
  interface JSON {
    rawJSON(text: string): unknown;
  }
}

/** Serializes `value`; a bigint becomes a plain number literal. */
export function encodeJson(value: unknown): string {
  return `${JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? JSON.rawJSON(item.toString()) : item))}\n`;
}
