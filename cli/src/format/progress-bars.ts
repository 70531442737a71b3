/** Progress on a terminal: a bar for each layer. */
import progress from 'cli-progress';
import type { Display } from './progress.ts';
import { humanSize } from './units.ts';

/** Shows messages on a terminal until it is stopped. */
export function barDisplay(output: NodeJS.WriteStream): Display {
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
    show({ id, status, stream, progressDetail }) {
      if (stream !== undefined) bars.log(stream);
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
