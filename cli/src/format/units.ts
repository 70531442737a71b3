/** Sizes as docker prints them (github.com/docker/go-units), and sizes and times as it reads them. */
import { UsageError } from '../command-line/parse.ts';

/** `1.98MB`: decimal units, as many significant digits as asked for. */
export function humanSize(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], digits);
}

/** `1.891MiB`: binary units. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 4);
}

function scaled(size: number, base: number, units: readonly string[], digits: number): string {
  let value = size;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit] ?? ''}`;
}

/** Bytes of `32m`, `1.5g`, `512`; binary multiples, as docker reads memory sizes. Throws {@link UsageError}. */
export function parseBytes(value: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?(?:i?b)?$/i.exec(value);
  if (!match)
    throw new UsageError(
      `invalid argument "${value}" for "${flag}" flag: invalid size: '${value}'`,
    );
  const power = 'kmgtp'.indexOf((match[2] ?? '').toLowerCase() || ' ') + 1;
  return Math.floor(Number(match[1]) * 1024 ** power);
}

/** Billionths of a processor of `1.5`. Throws {@link UsageError}. */
export function parseNanoCpus(value: string, flag: string): number {
  if (!/^\d+(\.\d{1,9})?$/.test(value)) {
    throw new UsageError(
      `invalid argument "${value}" for "${flag}" flag: failed to parse ${value} as a rational number`,
    );
  }
  return Math.round(Number(value) * 1e9);
}

/** A whole number. Throws {@link UsageError}. */
export function parseInteger(value: string, flag: string): number {
  if (!/^[+-]?\d+$/.test(value)) {
    throw new UsageError(
      `invalid argument "${value}" for "${flag}" flag: strconv.ParseInt: parsing "${value}": invalid syntax`,
    );
  }
  return Number(value);
}

const nanosecondsOf: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds of `1m30s`, `200ms`, as Go writes durations. Throws {@link UsageError}. */
export function parseDuration(value: string, flag: string): number {
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== value) {
    throw new UsageError(
      `invalid argument "${value}" for "${flag}" flag: time: invalid duration "${value}"`,
    );
  }
  return parts.reduce(
    (sum, [, number, unit]) => sum + Number(number) * (nanosecondsOf[unit ?? ''] ?? 0),
    0,
  );
}
