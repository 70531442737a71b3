/** Memory that encoders write to: all of them the same, because each result is used before the next is made. */

const usualBytes = 512 * 1024;
/** What is larger was needed once (a quarter of a megabyte of newlines) and is given back. */
const keptBytes = 4 * 1024 * 1024;

let memory: Buffer = Buffer.alloc(0);

/** The memory, whatever it holds. */
export function scratch(): Buffer {
  if (memory.length === 0 || memory.length > keptBytes) memory = Buffer.allocUnsafeSlow(usualBytes);
  return memory;
}

/** More of it, beginning with the `used` bytes of before. */
export function largerScratch(used: number, room: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * memory.length, used + room));
  memory.copy(larger, 0, 0, used);
  memory = larger;
  return memory;
}
