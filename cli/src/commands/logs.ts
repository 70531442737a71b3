/** `engine logs` */
import { once } from 'node:events';
import { FrameReader } from '../client/stream-frames.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { UsageError } from '../command-line/parse.ts';

export const logs = defineCommand({
  name: 'logs',
  synopsis: '[OPTIONS] CONTAINER',
  summary: 'Fetch the logs of a container',
  arguments: { min: 1, max: 1 },
  flags: {
    details: boolean('Show extra details provided to logs'),
    follow: boolean('Follow log output', 'f'),
    since: text(
      'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
    tail: text('Number of lines to show from the end of the logs', 'n'),
    timestamps: boolean('Show timestamps', 't'),
    until: text(
      'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
  },
  async run({ client }, values, [name = '']) {
    const { Config } = await client.json<{ Config: { Tty: boolean } }>(
      'GET',
      `/containers/${name}/json`,
    );
    const response = await client.stream('GET', `/containers/${name}/logs`, {
      query: {
        stdout: 1,
        stderr: 1,
        follow: values.follow ? 1 : undefined,
        timestamps: values.timestamps ? 1 : undefined,
        details: values.details ? 1 : undefined,
        tail: values.tail,
        since: values.since === undefined ? undefined : parseTime(values.since, '--since'),
        until: values.until === undefined ? undefined : parseTime(values.until, '--until'),
      },
    });
    let full: NodeJS.WriteStream | undefined;
    const write = (stream: 'stdout' | 'stderr', payload: Buffer): void => {
      if (!process[stream].write(payload)) full = process[stream];
    };
    const frames = new FrameReader(write);
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (Config.Tty) write('stdout', chunk);
      else frames.push(chunk);
      if (full) await once(full, 'drain');
      full = undefined;
    }
    return 0;
  },
});

const secondsByUnit: Readonly<Record<string, number>> = {
  h: 3600,
  m: 60,
  s: 1,
  ms: 0.001,
  us: 1e-6,
  ns: 1e-9,
};

/** Unix seconds of a date, a number of seconds, or a duration before now (`1h30m`). Throws {@link UsageError}. */
export function parseTime(value: string, flag: string, nowMs = Date.now()): string {
  if (/^\d+(\.\d+)?$/.test(value)) return value;
  if (/^(\d+(\.\d+)?(h|ms|m|s|us|ns))+$/.test(value)) {
    const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)/g)];
    const seconds = parts.reduce(
      (sum, [, count, unit]) => sum + Number(count) * (secondsByUnit[unit ?? 's'] ?? 0),
      0,
    );
    return (nowMs / 1000 - seconds).toFixed(9);
  }
  const time = Date.parse(value);
  if (Number.isNaN(time))
    throw new UsageError(
      `invalid value for "${flag}": "${value}" is neither a time nor a duration`,
    );
  return (time / 1000).toFixed(9);
}
