/** How much `cp` has copied, on a terminal. */
import { humanSize } from '../format/units.ts';

/** Between two updates of the line. */
const updateMs = 75;

export class CopyProgress {
  readonly #heading: string;
  readonly #isShown: boolean;
  #bytes = 0;
  #shownMs = 0;

  constructor(heading: string, quiet: boolean) {
    this.#heading = heading;
    this.#isShown = !quiet && process.stdout.isTTY;
  }

  /** Hands on what passes. */
  async *count(archive: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of archive) {
      this.#bytes += chunk.length;
      this.#show();
      yield chunk;
    }
  }

  /** Says what was copied, and where it went. */
  finish(target: string): void {
    if (!this.#isShown) return;
    process.stderr.write(`\r\x1b[KSuccessfully copied ${humanSize(this.#bytes)} to ${target}\n`);
  }

  #show(): void {
    if (!this.#isShown || Date.now() - this.#shownMs < updateMs) return;
    this.#shownMs = Date.now();
    process.stderr.write(`\r\x1b[K${this.#heading}${humanSize(this.#bytes)}`);
  }
}
