/** containerd's progress of a pull, told in docker's words. */
import type { Progress } from '#proto/generated/containerd.types.transfer';
import type { ImageReference } from '#spec/reference';
import type { PullReporter } from './pull-progress.ts';

export class TransferReporter {
  readonly #reporter: PullReporter;
  readonly #reference: ImageReference;
  #begun = false;

  constructor(reporter: PullReporter, reference: ImageReference) {
    this.#reporter = reporter;
    this.#reference = reference;
  }

  /** One message of the progress stream. */
  step({ event, name, desc, progress }: Progress): void {
    if (event.startsWith('Pulling from') && !this.#begun) {
      this.#begun = true;
      this.#reporter.begin(this.#reference);
    }
    if (!desc || !name.startsWith('layer-')) return; // docker says nothing about the others
    switch (event) {
      case 'waiting':
        this.#reporter.layer('Pulling fs layer', desc);
        return;
      case 'downloading':
        this.#reporter.bar('Downloading', desc, progress);
        return;
      case 'complete':
        this.#reporter.layer('Verifying Checksum', desc);
        this.#reporter.layer('Download complete', desc);
        return;
      case 'already exists':
        this.#reporter.layer('Already exists', desc);
        return;
      case 'extracting':
        this.#reporter.bar('Extracting', desc, progress);
        return;
      case 'extracted':
        this.#reporter.layer('Pull complete', desc);
        return;
    }
  }
}
