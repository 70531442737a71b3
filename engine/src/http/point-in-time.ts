/** Points in time as docker's filters and options take them. */
import { StackError } from '#spec/errors';

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds since 1970 of Go's form of a duration before `now` (`1h30m`), of seconds since 1970 (`1700000000.5`), or of
 * a date (`2024-05-06`, `2024-05-06T07:08:09Z`; local without a zone). Throws invalid_argument.
 */
export function parsePointInTime(text: string, now = Date.now()): number {
  const duration = text === '0' ? undefined : durationMs(text);
  if (duration !== undefined) return now - duration;
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?([zZ]|[+-]\d\d:\d\d)?$/.exec(
      text,
    );
  if (date) {
    const [, day = '', hours = '00', minutes = '00', seconds = '00', zone = ''] = date;
    const time = Date.parse(`${day}T${hours}:${minutes}:${seconds}${zone.toUpperCase()}`);
    if (!Number.isNaN(time)) return time;
  }
  throw new StackError('invalid_argument', `failed to parse value as time or duration: "${text}"`);
}

function durationMs(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const parts = [...rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== rest) return undefined;
  const total = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit ?? ''] ?? 0),
    0,
  );
  return sign === '-' ? -total : total;
}
