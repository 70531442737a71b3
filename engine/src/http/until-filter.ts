/** The filter `until` of prune: things made later stay. */
import { StackError } from '#spec/errors';
import type { Filters } from './query.ts';

const unitMs: Readonly<Record<string, number>> = {
  ...{ h: 3_600_000, m: 60_000, s: 1000 },
  ...{ ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 },
};

/**
 * The moment that is meant, in milliseconds since 1970; undefined without the filter. Seconds since 1970, a date, or as
 * Go writes a time span (`1h30m`), before now. Throws invalid_argument.
 */
export function untilFilter(filters: Filters, now = Date.now()): number | undefined {
  const [text, ...more] = filters.get('until') ?? [];
  if (text === undefined) return undefined;
  if (more.length > 0) {
    throw new StackError('invalid_argument', 'more than one until filter specified');
  }
  if (/^\d+(\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  const span = /^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(text) ? spanMs(text) : undefined;
  if (span !== undefined) return now - span;
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(withZone(text)) : NaN;
  if (Number.isNaN(date)) {
    throw new StackError(
      'invalid_argument',
      `failed to parse value as time or duration: "${text}"`,
    );
  }
  return date;
}

function spanMs(text: string): number {
  return [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (unitMs[unit] ?? 0),
    0,
  );
}

/** A date without time is in the machine's zone, as with docker; JavaScript takes it for UTC. */
function withZone(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text;
}
