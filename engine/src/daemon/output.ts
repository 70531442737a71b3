/** A task's output as the rest of the daemon sees it, however it is stored. */
export type OutputStream = 'stdout' | 'stderr';

/** Somebody who wants the output as it comes. */
export interface OutputSubscriber {
  /**
   * A promise holds the output back until it resolves: whoever reads too slowly stalls this one container. `chunk` is
   * good until then, or until the call returns undefined.
   */
  write(stream: OutputStream, chunk: Buffer): Promise<void> | undefined;
  /** No more will come. */
  end(): void;
  /** Where `stream` may go without being looked at; undefined unless it could be sent at once. */
  connection?(stream: OutputStream): DirectConnection | undefined;
}

/** A connection into which the kernel can move bytes. Good until something else is written to it. */
export interface DirectConnection {
  readonly fd: number;
  /** What precedes `length` bytes; undefined where nothing does. */
  header(length: number): Buffer | undefined;
  /** Sends what the kernel has not taken of them, as {@link OutputSubscriber.write} does. */
  writeRest(bytes: Buffer): Promise<void> | undefined;
}

/** Carries a task's output from its FIFOs to the log and to subscribers. */
export interface TaskOutput {
  /** From the next byte on; returns how to leave. After the end the subscriber is told so at once. */
  subscribe(subscriber: OutputSubscriber): () => void;
  /** Everything the task wrote was delivered and stored. */
  readonly finished: Promise<void>;
  /** Stops reading, whatever is left and however slow a subscriber is. */
  close(): Promise<void>;
  /** As `close`, and takes back what was stored: it was no output of the task. */
  discard(): Promise<void>;
}
