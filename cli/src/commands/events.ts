/** `engine events` */
import { filterQuery } from '../client/filters.ts';
import { defineCommand } from '../command-line/command.ts';
import { format, list, text } from '../command-line/flags.ts';
import { compileTemplate } from '../format/go-template.ts';
import { parseTime, rfc3339 } from '../format/timestamp.ts';

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> | null };
  time: number;
}

export const events = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    filter: list('Filter output based on conditions provided', 'f', 'filter'),
    format: format(undefined, false),
    since: text('Show all events created since timestamp'),
    until: text('Stream events until this timestamp'),
  },
  async run({ client }, { filter, format, since, until }) {
    const template =
      format === undefined || format === 'json' ? undefined : compileTemplate(format);
    const lines = client.lines('GET', '/events', {
      query: {
        filters: filterQuery(filter),
        since: since === undefined ? undefined : parseTime(since, '--since'),
        until: until === undefined ? undefined : parseTime(until, '--until'),
      },
    });
    for await (const line of lines) {
      if (format === 'json') {
        process.stdout.write(`${line}\n`);
        continue;
      }
      const event = JSON.parse(line) as Event; // the API's shape
      process.stdout.write(
        `${template ? template(withFields(event, line)) : showEvent(event, line)}\n`,
      );
    }
    return 0;
  },
});

/** Go's names for what JSON has in small letters; digits of timeNano that no number holds stay as they came. */
function withFields(event: Event, line: string): object {
  const { scope, status, id, from } = event as unknown as Record<string, unknown>;
  return {
    ...{ Status: status ?? '', ID: id ?? '', From: from ?? '', Scope: scope ?? '' },
    ...event,
    Time: event.time,
    TimeNano: nanosecondsOf(line),
  };
}

function showEvent({ Type, Action, Actor, time }: Event, line: string): string {
  const fraction = Number(nanosecondsOf(line).slice(-9));
  const attributes = Object.entries(Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const shown = attributes.length > 0 ? ` (${attributes.join(', ')})` : '';
  return `${rfc3339(time, fraction)} ${Type} ${Action} ${Actor.ID}${shown}`;
}

function nanosecondsOf(line: string): string {
  return /"timeNano":(\d+)/.exec(line)?.[1] ?? '0';
}
