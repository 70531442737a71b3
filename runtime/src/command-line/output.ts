/** Writes to stdout without the streams of node:process, which change what is shared with the caller (O_NONBLOCK). */
import fs from 'node:fs';
import { errorCode } from '#spec/errors';

export function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += fs.writeSync(1, bytes, offset);
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // somebody else made it non-blocking
    }
  }
}

export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}
