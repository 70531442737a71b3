/**
 * How output travels to a client: raw where there is a terminal, else in frames of an 8-byte header (stream number,
 * three zeros, big-endian length) and a payload.
 */
import type { Writable } from 'node:stream';
import type { OutputStream, OutputSubscriber } from './output.ts';

export const rawStreamType = 'application/vnd.docker.raw-stream';
export const multiplexedStreamType = 'application/vnd.docker.multiplexed-stream';

const streamNumbers = { stdout: 1, stderr: 2 } as const;

/** One frame. */
export function frame(stream: OutputStream, payload: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(8 + payload.length);
  framed.writeUInt32BE(streamNumbers[stream] * 0x1000000, 0);
  framed.writeUInt32BE(payload.length, 4);
  payload.copy(framed, 8);
  return framed;
}

export interface ClientStreamOptions {
  tty: boolean;
  stdout: boolean;
  stderr: boolean;
}

/** A client that receives output. It is slow as its connection is; once the connection closed it takes nothing. */
export class ClientStream implements OutputSubscriber {
  readonly #output: Writable;
  readonly #options: ClientStreamOptions;

  constructor(output: Writable, options: ClientStreamOptions) {
    this.#output = output;
    this.#options = options;
  }

  write(stream: OutputStream, chunk: Buffer): Promise<void> | undefined {
    if (!this.#options[stream] || this.#output.destroyed || this.#output.writableEnded) {
      return undefined;
    }
    const roomLeft = this.#output.write(this.#options.tty ? chunk : frame(stream, chunk));
    return roomLeft ? undefined : this.#drained();
  }

  end(): void {
    this.#output.end();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#output.off('drain', done).off('close', done);
        resolve();
      };
      this.#output.on('drain', done).on('close', done);
    });
  }
}
