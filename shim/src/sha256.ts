/**
 * SHA-256 of a short text (FIPS 180-4), for the name of a socket. Loading node:crypto for it takes longer than
 * everything else that `start` does before it starts the shim (8 of 40 ms), and start runs for every container.
 */

/** The first 32 bits of the fractional parts of a root of the first primes: that is where the constants come from. */
function fractionBits(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

const rotate = (word: number, bits: number) => (word >>> bits) | (word << (32 - bits));

/** 64 hexadecimal digits. */
export function sha256(text: string): string {
  const primes = firstPrimes(64);
  const constants = primes.map((prime) => fractionBits(Math.cbrt(prime)));
  const state = Uint32Array.from(primes.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)));
  const message = padded(Buffer.from(text));
  for (let at = 0; at < message.length; at += 64) mixBlock(state, constants, message, at);
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
}

/** A one bit, zeros, and the length in bits as the last eight bytes of a block of 64. */
function padded(data: Buffer): Buffer {
  const message = Buffer.alloc(Math.ceil((data.length + 9) / 64) * 64);
  data.copy(message);
  message[data.length] = 0x80;
  message.writeUInt32BE(data.length * 8, message.length - 4);
  return message;
}

function mixBlock(
  state: Uint32Array,
  constants: readonly number[],
  data: Buffer,
  at: number,
): void {
  const words = new Uint32Array(64);
  for (let i = 0; i < 64; i += 1)
    words[i] = i < 16 ? data.readUInt32BE(at + 4 * i) : expand(words, i);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i += 1) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + sum1 + choice + (constants[i] ?? 0) + (words[i] ?? 0)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + sum0 + majority) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] ?? 0) + word));
}

function expand(words: Uint32Array, i: number): number {
  const word = (back: number) => words[i - back] ?? 0;
  const sigma0 = rotate(word(15), 7) ^ rotate(word(15), 18) ^ (word(15) >>> 3);
  const sigma1 = rotate(word(2), 17) ^ rotate(word(2), 19) ^ (word(2) >>> 10);
  return word(16) + sigma0 + word(7) + sigma1;
}
