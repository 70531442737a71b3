/**
 * How output travels to a client: raw where there is a terminal, else in frames of an 8-byte header (stream number,
 * three zeros, big-endian length) and a payload.
 */
import net from 'node:net';
import type { Writable } from 'node:stream';
import tls from 'node:tls';
import type { DirectConnection, OutputStream, OutputSubscriber } from './output.ts';

export const rawStreamType = 'application/vnd.docker.raw-stream';
export const multiplexedStreamType = 'application/vnd.docker.multiplexed-stream';

const streamNumbers = { stdout: 1, stderr: 2 } as const;

export const frameHeaderLength = 8;
const longChunk = 8 * 1024;

/** Writes the header of a frame whose payload has `length` bytes; returns where the payload goes. */
export function writeFrameHeader(
  target: Buffer,
  at: number,
  stream: OutputStream,
  length: number,
): number {
  target.writeUInt32BE(streamNumbers[stream] * 0x1000000, at);
  return target.writeUInt32BE(length, at + 4);
}

/** One frame. */
export function frame(stream: OutputStream, payload: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(frameHeaderLength + payload.length);
  payload.copy(framed, writeFrameHeader(framed, 0, stream, payload.length));
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
    return this.#sent((done) => this.#send(stream, chunk, done));
  }

  /** Long chunks are not copied behind their header: both go out by one writev(2). */
  #send(stream: OutputStream, chunk: Buffer, done: () => void): void {
    const output = this.#output;
    if (this.#options.tty) output.write(chunk, done);
    else if (chunk.length < longChunk) output.write(frame(stream, chunk), done);
    else {
      const header = Buffer.allocUnsafe(frameHeaderLength);
      writeFrameHeader(header, 0, stream, chunk.length);
      output.cork();
      output.write(header);
      output.write(chunk, done);
      output.uncork();
    }
  }

  /** Undefined if the system has taken everything at once; else resolves when it has, or the connection closed. */
  #sent(write: (done: () => void) => void): Promise<void> | undefined {
    const output = this.#output;
    let resolve: (() => void) | undefined;
    const done = (): void => {
      output.off('close', done);
      resolve?.();
    };
    write(done);
    if (output.writableLength === 0) return undefined;
    return new Promise((resolveSent) => {
      resolve = resolveSent;
      output.on('close', done);
    });
  }

  end(): void {
    this.#output.end();
  }

  connection(stream: OutputStream): DirectConnection | undefined {
    const output = this.#output;
    if (!this.#options[stream] || output.writableLength > 0 || output.writableEnded) {
      return undefined;
    }
    const fd = descriptorOf(output);
    if (fd === undefined) return undefined;
    return {
      fd,
      header: (length) => {
        if (this.#options.tty) return undefined;
        const header = Buffer.allocUnsafe(frameHeaderLength);
        writeFrameHeader(header, 0, stream, length);
        return header;
      },
      writeRest: (bytes) => this.#sent((done) => output.write(bytes, done)),
    };
  }
}

/** Of a connection that carries bytes as they are; node:net does not document where it keeps it. */
function descriptorOf(output: Writable): number | undefined {
  if (!(output instanceof net.Socket) || output instanceof tls.TLSSocket) return undefined;
  if (output.destroyed || output.connecting) return undefined;
  const { _handle: handle } = output as unknown as { _handle?: { fd?: number } | null };
  const fd = handle?.fd ?? -1;
  return fd >= 0 ? fd : undefined;
}
