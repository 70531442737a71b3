/** Where a driver sends entries that it does not keep. */
import type { OutputStream } from '../daemon/output.ts';

export interface ForwardedLine {
  stream: OutputStream;
  /** Without its newline. */
  text: Buffer;
  /** Whether more of this line follows. */
  isPartial: boolean;
  time: Date;
}

/** Carries one message each to whoever listens at an address. */
export interface MessageCarrier {
  /** Resolves when more can be taken, or is undefined when it can at once. Rejects when the message is lost. */
  send(message: Buffer): Promise<void> | undefined;
  /** Resolves when what was taken is under way. */
  close(): Promise<void>;
}

export interface LogSink extends MessageCarrier {
  /** The message for a line, in the driver's format. */
  format(line: ForwardedLine): Buffer;
}
