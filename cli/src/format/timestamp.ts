/** Times as docker reads them from a command line and as it prints them. */
import { UsageError } from '../command-line/parse.ts';

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
  // A date alone is a day of ours, not of Greenwich. Digits beyond milliseconds are kept apart: Date has none.
  const whole = value.replace(/\.\d+/, '');
  const time = Date.parse(/^\d{4}-\d\d-\d\d$/.test(whole) ? `${whole}T00:00:00` : whole);
  if (Number.isNaN(time))
    throw new UsageError(
      `invalid value for "${flag}": "${value}" is neither a time nor a duration`,
    );
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? '';
  return `${Math.floor(time / 1000)}.${fraction.slice(0, 9).padEnd(9, '0')}`;
}

/** `.5` of `16:00:00.500Z`: Go leaves zeros at the end out when it prints a time. */
export function fractionOf(time: string): string {
  return (/\.\d+/.exec(time)?.[0] ?? '').replace(/\.?0*$/, '');
}

/** `2026-11-21 16:00:00 +0100 CET`, in the local time zone: how Go prints a time. */
export function goTime(unixSeconds: number, fraction = ''): string {
  const date = new Date(Math.floor(unixSeconds) * 1000);
  return `${localDay(date)} ${localClock(date)}${fraction} ${offset(date, '')} ${zoneName(date)}`;
}

/** `2026-11-21T16:00:00+01:00`, in the local time zone; `Z` in Greenwich. `nanoseconds` are added as digits. */
export function rfc3339(unixSeconds: number, nanoseconds?: number): string {
  const date = new Date(unixSeconds * 1000);
  const digits = nanoseconds === undefined ? '' : `.${String(nanoseconds).padStart(9, '0')}`;
  const zone = date.getTimezoneOffset() === 0 ? 'Z' : offset(date, ':');
  return `${localDay(date)}T${localClock(date)}${digits}${zone}`;
}

function localDay(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function localClock(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
}

function offset(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset();
  const absolute = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(absolute / 60))}${separator}${two(absolute % 60)}`;
}

function zoneName(date: Date): string {
  if (date.getTimezoneOffset() === 0) return 'UTC';
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
