/** The key sequence that leaves a container running: `ctrl-p,ctrl-q` unless told otherwise. */
import { UsageError } from '../command-line/parse.ts';
import { settings } from '../config/settings.ts';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** Bytes of the sequence that `--detach-keys` gives, or the user's own. Throws {@link UsageError} for an unknown key. */
export function chosenDetachKeys(given: string | undefined): Buffer {
  return parseDetachKeys(given || settings().detachKeys || defaultDetachKeys); // an empty one counts as none
}

/** Bytes of a sequence like `ctrl-p,ctrl-q` or `a,b`. Throws {@link UsageError} for an unknown key. */
export function parseDetachKeys(keys: string): Buffer {
  return Buffer.from(
    keys.split(',').map((key) => {
      const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
      if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
      if (key.length === 1) return key.charCodeAt(0);
      throw new UsageError(`invalid detach keys (${keys}): unknown character: '${key}'`);
    }),
  );
}

/** Watches typed bytes for the sequence; holds back a started one until it is clear. */
export class DetachKeyFilter {
  readonly #sequence: Buffer;
  #matched = 0;

  constructor(sequence: Buffer) {
    this.#sequence = sequence;
  }

  /** What is to be sent on, and whether the sequence is now complete. */
  push(chunk: Buffer): { forward: Buffer; detach: boolean } {
    const forward: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#sequence[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#sequence.length)
          return { forward: Buffer.from(forward), detach: true };
        continue;
      }
      forward.push(...this.#sequence.subarray(0, this.#matched));
      this.#matched = byte === this.#sequence[0] ? 1 : 0;
      if (this.#matched === 0) forward.push(byte);
    }
    return { forward: Buffer.from(forward), detach: false };
  }
}
