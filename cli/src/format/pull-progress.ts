/** The progress of a pull: bars on a terminal (one per layer), plain lines elsewhere. */
import { StackError } from '#spec/errors';
import { humanSize } from './units.ts';

/** One object of the stream that `/images/create` answers with. */
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
      ? await barDisplay(output)
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

interface Display {
  show(message: ProgressMessage): void;
  stop(): void;
}

const quietDisplay: Display = { show: () => undefined, stop: () => undefined };

/** Each change of a layer's status is a line; sizes are left out, as docker does into files and pipes. */
function lineDisplay(output: NodeJS.WriteStream): Display {
  return {
    show({ id, status, progressDetail }) {
      const moving = progressDetail?.current !== undefined;
      if (status !== undefined && !moving)
        output.write(id === undefined ? `${status}\n` : `${id}: ${status}\n`);
    },
    stop: () => undefined,
  };
}

async function barDisplay(output: NodeJS.WriteStream): Promise<Display> {
  const { default: progress } = await import('cli-progress');
  const bars = new progress.MultiBar(
    {
      stream: output,
      hideCursor: true,
      barsize: 30,
      clearOnComplete: false,
      format: (_options, { value, total }, payload: { id: string; status: string }) =>
        `${payload.id}: ${payload.status}${total > 1 && value < total ? ` ${bar(value / total)} ${humanSize(value)}/${humanSize(total)}` : ''}`,
    },
    progress.Presets.legacy,
  );
  const layers = new Map<string, ReturnType<typeof bars.create>>();
  return {
    show({ id, status, progressDetail }) {
      if (status === undefined) return;
      if (id === undefined) {
        bars.log(`${status}\n`);
        return;
      }
      const payload = { id, status };
      let layer = layers.get(id);
      if (!layer) {
        layer = bars.create(1, 0, payload);
        layers.set(id, layer);
      }
      const { current, total } = progressDetail ?? {};
      if (total !== undefined && total > 0) layer.setTotal(total);
      layer.update(current ?? layer.getTotal(), payload);
    },
    stop() {
      bars.stop();
    },
  };
}

function bar(fraction: number): string {
  const width = 30;
  const filled = Math.min(width - 1, Math.floor(fraction * width));
  return `[${'='.repeat(filled)}>${' '.repeat(width - 1 - filled)}]`;
}
