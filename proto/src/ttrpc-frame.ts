/**
 * Frames of ttrpc: a header of 10 bytes (data length and stream id as big-endian u32, type, flags), then the data.
 * https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md
 */
import { StackError } from '#spec/errors';

export const frameTypes = { request: 1, response: 2, data: 3 } as const;
export const frameFlags = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

/** Longer data is refused by both sides. */
export const maximumDataLength = 4 * 1024 * 1024;

const headerLength = 10;

export interface Frame {
  /** Odd where the client began. */
  streamId: number;
  /** One of {@link frameTypes}; others are the reader's to refuse. */
  type: number;
  /** Bits of {@link frameFlags}. */
  flags: number;
  data: Buffer;
}

/** A frame whose data was too long: the data was skipped, the connection goes on. */
export interface OversizeFrame {
  streamId: number;
  type: number;
  oversize: number;
}

/** The bytes of a frame. Throws resource_exhausted if the data is too long. */
export function encodeFrame({ streamId, type, flags, data }: Frame): Buffer {
  if (data.length > maximumDataLength)
    throw new StackError('resource_exhausted', tooLong(data.length));
  const frame = Buffer.allocUnsafe(headerLength + data.length);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(streamId, 4);
  frame.writeUInt8(type, 8);
  frame.writeUInt8(flags, 9);
  data.copy(frame, headerLength);
  return frame;
}

/** `message length 5000000 exceeds the limit of 4194304 bytes` */
export function tooLong(length: number): string {
  return `message length ${length} exceeds the limit of ${maximumDataLength} bytes`;
}

/** Cuts a stream of bytes into frames, wherever the chunks begin and end. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private available = 0;
  /** Bytes of a frame that was too long and that are still to come. */
  private skip = 0;

  /** The frames that `chunk` completes. */
  *push(chunk: Buffer): Generator<Frame | OversizeFrame> {
    const skipped = Math.min(this.skip, chunk.length);
    this.skip -= skipped;
    if (skipped < chunk.length) {
      this.chunks.push(chunk.subarray(skipped));
      this.available += chunk.length - skipped;
    }
    while (this.available >= headerLength) {
      const header = this.peek(headerLength);
      const length = header.readUInt32BE(0);
      const streamId = header.readUInt32BE(4);
      const type = header.readUInt8(8);
      if (length > maximumDataLength) {
        this.take(headerLength);
        const present = Math.min(length, this.available);
        this.take(present);
        this.skip = length - present;
        yield { streamId, type, oversize: length };
        continue;
      }
      if (this.available < headerLength + length) return;
      const data = this.take(headerLength + length).subarray(headerLength);
      yield { streamId, type, flags: header.readUInt8(9), data };
    }
  }

  /** Bytes of a frame that is not complete; undefined while one that is too long is being skipped. */
  begun(): Buffer | undefined {
    return this.skip > 0 ? undefined : Buffer.concat(this.chunks);
  }

  private peek(length: number): Buffer {
    const first = this.chunks[0];
    if (first && first.length >= length) return first.subarray(0, length);
    const joined = Buffer.concat(this.chunks);
    this.chunks = [joined];
    return joined.subarray(0, length);
  }

  private take(length: number): Buffer {
    if (length === 0) return Buffer.alloc(0);
    const taken = this.peek(length);
    const first = this.chunks[0] ?? taken;
    if (first.length === length) this.chunks.shift();
    else this.chunks[0] = first.subarray(length);
    this.available -= length;
    return taken;
  }
}
