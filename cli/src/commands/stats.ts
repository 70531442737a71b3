/** `engine stats` */
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, format } from '../command-line/flags.ts';
import { chosenFormat } from '../config/settings.ts';
import { renderRows } from '../format/listing.ts';
import { statsRow, type StatsAnswer } from '../format/stats-row.ts';

/** How often the table is drawn again. */
const refreshMs = 500;
/** A container that has not told anything for so long is shown without figures. */
const silenceMs = 2000;

export const stats = defineCommand({
  synopsis: '[OPTIONS] [CONTAINER...]',
  arguments: { min: 0 },
  flags: {
    all: boolean('Show all containers (default shows just running)', 'a'),
    format: format(),
    'no-stream': boolean('Disable streaming stats and only pull the first result'),
    'no-trunc': boolean('Do not truncate output'),
  },
  async run({ client }, values, names) {
    const { all, format, 'no-stream': once } = values;
    const watched = new Map<string, Watched>();
    const watch = (name: string): Promise<void> => {
      const known = watched.get(name);
      if (known) return known.first;
      const container = new Watched(name);
      watched.set(name, container);
      return container.follow(client, !once);
    };
    let ended: Promise<never> | undefined;
    if (names.length === 0) {
      if (!once) ended = followEvents(client, all, watched, watch);
      const listed = await client.json<{ Id: string }[]>('GET', '/containers/json', {
        query: { all: all ? 1 : undefined },
      });
      await Promise.all(listed.map(({ Id }) => watch(Id)));
    } else {
      await Promise.all(names.map(watch));
      // Whoever names a container wants to hear why there are no figures of it.
      const failed = [...watched.values()].find(({ failure }) => failure !== undefined);
      if (failed?.failure) throw failed.failure;
    }
    const draw = (): string =>
      renderRows(
        [...watched.values()].map((container) => container.row(!values['no-trunc'])),
        {
          format: chosenFormat(format, 'statsFormat'),
          quiet: undefined,
          columns: [
            ['CONTAINER ID', 'ID'],
            ['NAME', 'Name'],
            ['CPU %', 'CPUPerc'],
            ['MEM USAGE / LIMIT', 'MemUsage'],
            ['MEM %', 'MemPerc'],
            ['NET I/O', 'NetIO'],
            ['BLOCK I/O', 'BlockIO'],
            ['PIDS', 'PIDs'],
          ],
          headings: { Container: 'CONTAINER' },
        },
      );
    if (once) {
      process.stdout.write(draw());
      return 0;
    }
    for (;;) {
      process.stdout.write(overwrite(draw()));
      await Promise.race([
        new Promise((resolve) => setTimeout(resolve, refreshMs)),
        ...(ended ? [ended] : []),
      ]);
      if (names.length > 0 && [...watched.values()].every(({ isOver }) => isOver)) return 0;
    }
  },
});

/** From the top left corner over what stood there before. */
function overwrite(text: string): string {
  const lines = text.split('\n').map((line) => `${line} \x1b[K\n`);
  return `\x1b[H${lines.join('')}\x1b[J`;
}

/** One container's figures as they come. */
class Watched {
  readonly name: string;
  first: Promise<void> = Promise.resolve();
  failure: Error | undefined;
  isOver = false;
  #answer: StatsAnswer | undefined;
  #heardMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Resolves when there is something to show, or never will be. */
  follow(client: EngineClient, stream: boolean): Promise<void> {
    this.first = new Promise((resolve) => {
      const read = async (): Promise<void> => {
        const answers = client.jsonStream<StatsAnswer>('GET', `/containers/${this.name}/stats`, {
          query: { stream: stream ? 1 : 0 },
        });
        for await (const answer of answers) {
          this.#answer = answer;
          this.#heardMs = Date.now();
          resolve();
        }
      };
      void read()
        .catch((error: unknown) => {
          this.failure = error instanceof Error ? error : new Error(String(error));
        })
        .finally(() => {
          this.isOver = true;
          resolve();
        });
    });
    return this.first;
  }

  row(truncate: boolean): ReturnType<typeof statsRow> {
    const isSilent = this.isOver
      ? this.failure !== undefined
      : Date.now() - this.#heardMs > silenceMs;
    return statsRow(this.name, this.#answer, { truncate, isValid: !isSilent });
  }
}

/** Containers come and go while the table stands. Rejects when the daemon ends the stream. */
async function followEvents(
  client: EngineClient,
  all: boolean,
  watched: Map<string, unknown>,
  watch: (id: string) => Promise<void>,
): Promise<never> {
  const events = client.jsonStream<{ Action: string; Actor: { ID: string } }>('GET', '/events', {
    query: { filters: JSON.stringify({ type: ['container'] }) },
  });
  for await (const { Action, Actor } of events) {
    if (Action === 'start' || (all && Action === 'create')) void watch(Actor.ID);
    if (Action === 'destroy' || (Action === 'die' && !all)) watched.delete(Actor.ID);
  }
  throw new Error('the daemon ended the stream of events');
}
