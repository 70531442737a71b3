/** `engine logs` */
import { once } from 'node:events';
import { FrameReader } from '../client/stream-frames.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { parseTime } from '../format/timestamp.ts';

export const logs = defineCommand({
  synopsis: '[OPTIONS] CONTAINER',
  arguments: { min: 1, max: 1 },
  flags: {
    details: boolean('Show extra details provided to logs'),
    follow: boolean('Follow log output', 'f'),
    since: text(
      'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
    tail: text('Number of lines to show from the end of the logs', 'n', 'string', '"all"'),
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
