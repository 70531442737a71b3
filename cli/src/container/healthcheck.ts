/** `--health-…` */
import { StackError } from '#spec/errors';
import { parseDuration, parseInteger } from '../format/units.ts';

export interface HealthFlags {
  'health-cmd'?: string | undefined;
  'health-interval'?: string | undefined;
  'health-retries'?: string | undefined;
  'health-start-interval'?: string | undefined;
  'health-start-period'?: string | undefined;
  'health-timeout'?: string | undefined;
  'no-healthcheck': boolean;
}

/** Undefined where nothing was said: then the image's counts. */
export function healthcheck(flags: HealthFlags): object | undefined {
  const time = (flag: Exclude<keyof HealthFlags, 'no-healthcheck'>): number | undefined => {
    const value = flags[flag];
    if (value?.startsWith('-') === true) {
      throw new StackError('invalid_argument', `--${flag} cannot be negative`);
    }
    return value === undefined ? undefined : parseDuration(value, `--${flag}`);
  };
  const command = flags['health-cmd'];
  const retries = flags['health-retries'];
  const count = retries === undefined ? undefined : parseInteger(retries, '--health-retries');
  if (count !== undefined && count < 0) {
    throw new StackError('invalid_argument', '--health-retries cannot be negative');
  }
  const check = {
    Test: command === undefined || command === '' ? undefined : ['CMD-SHELL', command],
    Interval: time('health-interval'),
    Timeout: time('health-timeout'),
    StartPeriod: time('health-start-period'),
    StartInterval: time('health-start-interval'),
    Retries: count,
  };
  const isSet = Object.values(check).some((value) => value !== undefined && value !== 0);
  if (!flags['no-healthcheck']) return isSet ? check : undefined;
  if (isSet) {
    throw new StackError('invalid_argument', '--no-healthcheck conflicts with --health-* options');
  }
  return { Test: ['NONE'] };
}
