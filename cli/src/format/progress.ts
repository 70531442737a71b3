/** The progress of a pull, push, load or import: bars on a terminal (one per layer), plain lines elsewhere. */
import { StackError } from '#spec/errors';

/** One object of the stream that these calls answer with. */
export interface ProgressMessage {
  id?: string;
  status?: string;
  stream?: string;
  progressDetail?: { current?: number; total?: number };
  errorDetail?: { message?: string };
  error?: string;
}

/**
 * Shows `messages` on `output` until they end. Throws what the daemon reported: its errors arrive in the stream,
 * after the status line said 200.
 */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  output: NodeJS.WriteStream,
  { quiet = false } = {},
): Promise<void> {
  const display = quiet
    ? quietDisplay
    : output.isTTY
      ? (await import('./progress-bars.ts')).barDisplay(output)
      : lineDisplay(output);
  try {
    for await (const message of messages) {
      const failure = message.errorDetail?.message ?? message.error;
      if (failure !== undefined) throw new StackError('internal', failure);
      display.show(message);
    }
  } finally {
    display.stop();
  }
}

/** Whatever shows progress. */
export interface Display {
  show(message: ProgressMessage): void;
  stop(): void;
}

const quietDisplay: Display = { show: () => undefined, stop: () => undefined };

/** Each change of a layer's status is a line; sizes are left out, as docker does into files and pipes. */
function lineDisplay(output: NodeJS.WriteStream): Display {
  return {
    show({ id, status, stream, progressDetail }) {
      const moving = (progressDetail?.current ?? 0) > 0 || (progressDetail?.total ?? 0) > 0;
      if (stream !== undefined) output.write(stream);
      if (status !== undefined && !moving)
        output.write(id === undefined ? `${status}\n` : `${id}: ${status}\n`);
    },
    stop: () => undefined,
  };
}
