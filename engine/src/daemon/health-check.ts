/** What a container's Healthcheck says: which command, how often, and when to give up. */
import type { Healthcheck } from '#spec/oci/image';
import { StackError } from '#spec/errors';
import type { ContainerConfig } from '../api/container-config.ts';

/** A health check with docker's defaults filled in; times in milliseconds. */
export interface HealthCheck {
  readonly command: string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** How long failures do not count after the start. */
  readonly startPeriodMs: number;
  /** Between probes in the start period. */
  readonly startIntervalMs: number;
  /** Failures in a row that make a container unhealthy. */
  readonly retries: number;
}

const defaultIntervalMs = 30_000;
const defaultStartIntervalMs = 5000;
const defaultRetries = 3;
const leastMs = 1;

/** The health check of a container; undefined without one. */
export function healthCheckOf({
  Healthcheck: check,
  Shell: shell,
}: ContainerConfig): HealthCheck | undefined {
  const [kind = 'NONE', ...words] = check?.Test ?? [];
  if (!check || kind === 'NONE') return undefined;
  const inShell = [...(shell && shell.length > 0 ? shell : ['/bin/sh', '-c']), ...words];
  return {
    command: kind === 'CMD-SHELL' ? inShell : words,
    intervalMs: milliseconds(check.Interval, defaultIntervalMs),
    timeoutMs: milliseconds(check.Timeout, defaultIntervalMs),
    startPeriodMs: milliseconds(check.StartPeriod, 0),
    startIntervalMs: milliseconds(check.StartInterval, defaultStartIntervalMs),
    retries: check.Retries || defaultRetries,
  };
}

/** What a user asks for beats what the image says, field by field; a test of `NONE` or none of the user's keeps the rest. */
export function mergeHealthchecks(
  asked: Healthcheck | undefined,
  image: Healthcheck | undefined,
): Healthcheck | undefined {
  if (!asked || !image) return asked ?? image;
  const set = Object.fromEntries(
    Object.entries(asked).filter(
      ([, value]) => !(Array.isArray(value) ? value.length === 0 : value === 0),
    ),
  );
  return { ...image, ...set };
}

/** Throws invalid_argument in docker's words. */
export function checkHealthcheck(check: Healthcheck | undefined): void {
  const [kind = '', ...words] = check?.Test ?? [];
  if (!['', 'NONE', 'CMD', 'CMD-SHELL'].includes(kind)) {
    throw new StackError('invalid_argument', `unknown type "${kind}" in healthcheck (try 'CMD')`);
  }
  if (kind.startsWith('CMD') && words.length === 0) {
    throw new StackError('invalid_argument', `missing command in healthcheck ${kind}`);
  }
  const times = {
    Interval: check?.Interval,
    Timeout: check?.Timeout,
    StartPeriod: check?.StartPeriod,
    StartInterval: check?.StartInterval,
  };
  for (const [name, value = 0] of Object.entries(times)) {
    // docker's own limit, in nanoseconds
    if (value !== 0 && value < 1_000_000) {
      throw new StackError('invalid_argument', `${name} in Healthcheck cannot be less than 1ms`);
    }
  }
}

/** Nanoseconds of the API; 0 and absent mean the default. */
function milliseconds(nanoseconds: number | undefined, absentMs: number): number {
  return nanoseconds ? Math.max(leastMs, nanoseconds / 1e6) : absentMs;
}
