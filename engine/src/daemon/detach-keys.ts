/** The key sequence that leaves a terminal without ending what runs in it; `ctrl-p,ctrl-q` unless told otherwise. */
import { StackError } from '#spec/errors';

const defaultKeys = 'ctrl-p,ctrl-q';

/** Reads `ctrl-x,y,ctrl-@` as bytes. Throws invalid_argument. */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from((text || defaultKeys).split(',').map(keyByte));
}

function keyByte(key: string): number {
  if (key.length === 1) return key.charCodeAt(0);
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (control === undefined) {
    throw new StackError('invalid_argument', `invalid escape keys: unknown character: '${key}'`);
  }
  return control.toUpperCase().charCodeAt(0) & 0x1f;
}

/** Looks for the sequence in what a user types, across chunks. Keys of an unfinished sequence are held back. */
export class DetachDetector {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What to pass on of `chunk`, and whether the sequence is complete (then nothing after it counts). */
  feed(chunk: Buffer): { pass: Buffer; detach: boolean } {
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched]) {
        pass.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) {
        pass.push(byte);
      } else if (++this.#matched === this.#keys.length) {
        this.#matched = 0;
        return { pass: Buffer.from(pass), detach: true };
      }
    }
    return { pass: Buffer.from(pass), detach: false };
  }
}
