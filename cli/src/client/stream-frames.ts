/**
 * Output of a container without a terminal: frames of an 8-byte header and a payload.
 * Header: byte 0 = stream (1 stdout, 2 stderr, 3 error of the daemon), bytes 4-7 = length, big endian.
 */
import { StackError } from '#spec/errors';

export type StreamName = 'stdout' | 'stderr';

/** Takes chunks as they come and hands out payloads; a frame may be split anywhere. */
export class FrameReader {
  readonly #write: (stream: StreamName, payload: Buffer) => void;
  #header: Buffer = Buffer.alloc(0);
  #stream: number | undefined;
  #left = 0;
  #daemonError = '';

  constructor(write: (stream: StreamName, payload: Buffer) => void) {
    this.#write = write;
  }

  /** Throws data_loss for an unknown stream number, internal for an error frame of the daemon. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#stream === undefined) {
        const needed = 8 - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, needed)]);
        rest = rest.subarray(needed);
        if (this.#header.length < 8) return;
        this.#stream = this.#header.readUInt8(0);
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
      }
      const payload = rest.subarray(0, this.#left);
      rest = rest.subarray(payload.length);
      this.#left -= payload.length;
      this.#deliver(this.#stream, payload);
      if (this.#left === 0) this.#stream = undefined;
    }
  }

  #deliver(stream: number, payload: Buffer): void {
    if (stream === 0 || stream === 1) this.#write('stdout', payload);
    else if (stream === 2) this.#write('stderr', payload);
    else if (stream === 3) {
      this.#daemonError += payload.toString();
      if (this.#left === 0)
        throw new StackError('internal', `error from daemon in stream: ${this.#daemonError}`);
    } else
      throw new StackError('data_loss', `unrecognized stream ${stream} in the daemon's answer`);
  }
}
