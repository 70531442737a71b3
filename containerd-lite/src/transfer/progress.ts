/**
 * What a transfer says while it runs, in containerd's words (core/transfer there). A client that does not read loses
 * steps in between, but costs no time.
 */
import { Progress } from '#proto/generated/containerd.types.transfer';
import type { Input } from '#proto/message';
import type { Descriptor } from '#spec/oci/image';
import type { Stream } from '../streaming/streams.ts';
import { refOf } from '#spec/oci/image-tree';

/** Numbers that change more often than this only cost time. */
const intervalMs = 100;

/** Where a blob stands: its last event counts. */
export type BlobEvent =
  | 'waiting'
  | 'downloading'
  | 'uploading'
  | 'complete'
  | 'already exists'
  | 'extracting'
  | 'extracted';

export class TransferProgress {
  readonly #stream: Stream | undefined;
  readonly #queue: Input<Progress>[] = [];
  readonly #lastMs = new Map<string, number>();
  #sending = false;

  /** Without a stream nobody is told. */
  constructor(stream: Stream | undefined) {
    this.#stream = stream;
  }

  /** Something about the transfer as a whole, or the image `name`. */
  line(event: string, name = '', target?: Descriptor): void {
    this.#send({ event, name, ...(target && { desc: wireDescriptor(target) }) });
  }

  /** How far a blob has come; `progress` in bytes, its whole size without it. */
  blob(event: BlobEvent, blob: Descriptor, parents: readonly string[], progress = blob.size): void {
    const name = refOf(blob);
    const now = performance.now();
    const moves = event === 'downloading' || event === 'uploading' || event === 'extracting';
    const known = `${event} ${name}`;
    if (moves && now - (this.#lastMs.get(known) ?? -Infinity) < intervalMs) return;
    this.#lastMs.set(known, now);
    const step = { event, name, parents, progress, total: blob.size, desc: wireDescriptor(blob) };
    const waiting = this.#queue.findIndex((other) => other.name === name && other.event === event);
    if (waiting < 0) this.#send(step);
    else this.#queue[waiting] = step; // nobody has read the earlier one
  }

  /** Sends what is left and ends the stream. */
  close(): void {
    for (const step of this.#queue.splice(0)) {
      this.#stream?.send(Progress, step).catch(ignoreGone);
    }
    this.#stream?.close();
  }

  #send(step: Input<Progress>): void {
    if (!this.#stream) return;
    this.#queue.push(step);
    if (this.#sending) return;
    this.#sending = true;
    void this.#drain(this.#stream).finally(() => (this.#sending = false));
  }

  async #drain(stream: Stream): Promise<void> {
    for (let step = this.#queue.shift(); step; step = this.#queue.shift()) {
      await stream.send(Progress, step).catch(ignoreGone);
    }
  }
}

/** Whoever does not listen any more misses nothing. */
function ignoreGone(): void {}

function wireDescriptor({ mediaType, digest, size, annotations = {} }: Descriptor) {
  return { mediaType, digest, size, annotations };
}
