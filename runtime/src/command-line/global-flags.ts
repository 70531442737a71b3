/** The flags that stand before the verb. */
import type { FlagSpecs } from './flags.ts';

export const globalFlags: FlagSpecs = {
  debug: { kind: 'boolean', help: 'log what is done' },
  log: { kind: 'string', help: 'file to log to; default: stderr' },
  'log-format': { kind: 'string', help: 'text or json' },
  root: { kind: 'string', help: 'directory for the state of containers' },
  'systemd-cgroup': {
    kind: 'boolean',
    help: 'let systemd make the cgroup; linux.cgroupsPath is slice:prefix:name',
  },
  rootless: {
    kind: 'string',
    help: 'true: warn of what only root may do, and go on; false; default: auto',
  },
  version: { kind: 'boolean', alias: 'v', help: 'print the version' },
  help: { kind: 'boolean', alias: 'h', help: 'print this' },
};
