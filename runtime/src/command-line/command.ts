/** What every verb gets and gives. */
import type { RuntimeLog } from '../log/runtime-log.ts';
import type { Flags, FlagSpecs } from './flags.ts';

/** The global flags, read. */
export interface Invocation {
  readonly root: string;
  readonly log: RuntimeLog;
  /** --systemd-cgroup: systemd is to make the cgroups of new containers. */
  readonly systemdCgroup: boolean;
  /** --rootless: whether what only real root may do is left out with a warning; undefined to find out. */
  readonly rootless: boolean | undefined;
  readonly flags: Flags;
}

export interface Command {
  readonly usage: string;
  readonly description: string;
  readonly flags: FlagSpecs;
  /** How many positional arguments it takes. */
  readonly minimumArguments: number;
  readonly maximumArguments: number;
  /** Returns the exit code. */
  run(invocation: Invocation): Promise<number> | number;
}
