/**
 * Bytes over a stream (containerd.types.transfer): Data in one direction, WindowUpdate in the other. A sender sends no
 * more than the receiver has granted.
 */
import { StackError } from '#spec/errors';
import { Data, WindowUpdate } from '#proto/generated/containerd.types.transfer';
import { isAny, unpackAny } from '#proto/any';
import type { Stream } from './streams.ts';

/** Bytes granted to a sender at once; twice as many may be on their way. */
const grantBytes = 1 << 20;
/** Bytes in one message; clients written in Go read and write 32 KiB at a time. */
const messageBytes = 256 << 10;

/** What a client sends, until it ends its side. Throws invalid_argument for anything but Data, cancelled when it goes. */
export async function* receiveBytes(stream: Stream): AsyncGenerator<Buffer> {
  let granted = 0;
  try {
    while (true) {
      // A client that has sent its last byte closes its side without waiting for this.
      while (granted <= grantBytes) {
        granted += grantBytes;
        await stream.send(WindowUpdate, { update: grantBytes }).catch(ignoreClosed);
      }
      const message = await stream.receive();
      if (!message) return;
      const { data } = unpackAny(Data, message);
      granted -= data.length;
      yield data;
    }
  } finally {
    stream.close();
  }
}

/** Sends bytes as the client grants them. Throws cancelled when the client goes before the end. */
export class ByteSender {
  readonly #stream: Stream;
  #window = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      while (this.#window <= 0) await this.#awaitGrant();
      const end = Math.min(at + messageBytes, at + this.#window, bytes.length);
      await this.#stream.send(Data, { data: bytes.subarray(at, end) });
      this.#window -= end - at;
      at = end;
    }
  }

  close(): void {
    this.#stream.close();
  }

  async #awaitGrant(): Promise<void> {
    const message = await this.#stream.receive();
    if (!message) throw new StackError('cancelled', 'the receiver of the stream has gone');
    if (isAny(WindowUpdate, message)) this.#window += unpackAny(WindowUpdate, message).update;
  }
}

function ignoreClosed(error: unknown): void {
  if (!(error instanceof StackError)) throw error;
}
