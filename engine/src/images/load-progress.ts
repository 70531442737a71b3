/** What a load says while it runs, in docker's words. */
import type { Descriptor } from '#spec/oci/image';
import type { PullProgress } from './image-service.ts';
import { PullReporter } from './pull-progress.ts';

export class LoadReporter {
  readonly #reporter: PullReporter;

  constructor(send: (message: PullProgress) => void) {
    this.#reporter = new PullReporter(send);
  }

  /** How much of a layer is unpacked. */
  layer(layer: Descriptor, bytes: number): void {
    this.#reporter.bar('Loading layer', layer, bytes);
  }
}
