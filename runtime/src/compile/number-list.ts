/** Lists of CPUs and memory nodes as the kernel writes them (`0-2,7`), as bit masks. */
import { StackError } from '#spec/errors';

/** Above any machine's; keeps masks from growing without bound. */
const largest = 8191;

/** Bytes of an `unsigned long[]` with a bit for every number. Throws invalid_argument naming `property`. */
export function bitMask(list: string, property: string): Buffer {
  const numbers = list.split(',').flatMap((part) => parseRange(part.trim(), property));
  const mask = Buffer.alloc(8 * (Math.floor(Math.max(...numbers) / 64) + 1));
  for (const number of numbers) {
    const byte = number >> 3;
    mask[byte] = (mask[byte] ?? 0) | (1 << (number & 7));
  }
  return mask;
}

function parseRange(text: string, property: string): number[] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || to < from || to > largest) {
    throw new StackError(
      'invalid_argument',
      `${property}: "${text}" is neither a number nor a range of numbers up to ${largest}`,
    );
  }
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
