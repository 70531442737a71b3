/** What a pull says while it runs, in docker's words and rhythm. */
import { encodedOf, parseDigest } from '#spec/digest';
import { formatReference, type ImageReference } from '#spec/reference';
import type { Descriptor } from '#spec/oci/image';
import type { PullProgress } from './image-service.ts';

/** Bars that move more often than this only cost time. */
const intervalMs = 100;

/** Twelve digits, as everywhere in docker's output. */
export function shortId(digest: string): string {
  return encodedOf(parseDigest(digest)).slice(0, 12);
}

export class PullReporter {
  readonly #send: (message: PullProgress) => void;
  readonly #lastSentMs = new Map<string, number>();
  /** Layers that were there, not told yet: all of them may be. */
  readonly #present: PullProgress[] = [];

  constructor(send: (message: PullProgress) => void) {
    this.#send = send;
  }

  /** A line of its own. */
  line(status: string, id?: string): void {
    this.#tellPresent();
    this.#send({ status, ...(id !== undefined && { id }) });
  }

  /** The first line, under the tag, or the whole reference by digest. */
  begin(reference: ImageReference): void {
    const { path, tag, digest } = reference;
    this.line(`Pulling from ${path}`, digest === undefined ? tag : formatReference(reference));
  }

  /** What a layer is doing. */
  layer(status: string, { digest }: Descriptor): void {
    const message = { status, progressDetail: {}, id: shortId(digest) };
    if (status === 'Already exists') {
      this.#present.push(message);
      return;
    }
    this.#tellPresent();
    this.#send(message);
  }

  /** What there was of an image that is known says nothing: docker does not even look at its layers. */
  forgetPresent(): void {
    this.#present.length = 0;
  }

  #tellPresent(): void {
    for (const message of this.#present.splice(0)) this.#send(message);
  }

  /** How far a layer has come, now and then. */
  bar(status: string, { digest, size }: Descriptor, current: number): void {
    const now = performance.now();
    const last = this.#lastSentMs.get(digest) ?? -Infinity;
    if (now - last < intervalMs && current < size) return;
    this.#lastSentMs.set(digest, now);
    this.#tellPresent();
    this.#send({
      status,
      progressDetail: { current, total: size },
      progress: progressBar(current, size),
      id: shortId(digest),
    });
  }
}

const barWidth = 50;

/** `[=====>     ]  1.5MB/3MB`, for clients that print it as it is. */
export function progressBar(current: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(current / total, 1);
  const filled = Math.floor(share * barWidth);
  const bar = `${'='.repeat(filled)}${filled < barWidth ? '>' : ''}`.padEnd(barWidth);
  return `[${bar}]  ${humanSize(current)}/${humanSize(total)}`;
}

/** Decimal units with four digits, as docker writes sizes. */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${units[unit] ?? ''}`;
}
