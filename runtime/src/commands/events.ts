/** `events`: what a container uses, once (`--stats`) or every interval, one JSON document per line. */
import { setTimeout as sleep } from 'node:timers/promises';
import { stats } from '#lib/cgroup/stats';
import { StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { print } from '../command-line/output.ts';
import { checkContainerId } from '../container/container-id.ts';
import { StateStore } from '../container/state-store.ts';
import { statusOf } from '../container/status.ts';
import { recordedCgroup } from '../host/cgroups.ts';
import { runcStats } from './events-format.ts';

export const events: Command = {
  usage: 'events [flags] <container-id>',
  description: 'print what a container uses',
  flags: {
    interval: { kind: 'string', help: 'time between two lines: 5s, 1m, 500ms; default 5s' },
    stats: { kind: 'boolean', help: 'print one line and return' },
  },
  minimumArguments: 1,
  maximumArguments: 1,
  async run({ flags, root }) {
    const store = new StateStore(root);
    const record = store.read(checkContainerId(flags.positional[0]));
    const cgroup = recordedCgroup(record.cgroupPath);
    if (!cgroup) throw new StackError('unimplemented', 'a container without a cgroup has no stats');
    const intervalMs = parseInterval(flags.text('interval') ?? '5s');
    if (statusOf(record, store) === 'stopped') {
      throw new StackError('conflict', `container with id ${record.id} is not running`);
    }
    while (statusOf(record, store) !== 'stopped') {
      const data = runcStats(stats(cgroup));
      print(`${JSON.stringify({ type: 'stats', id: record.id, data })}\n`);
      if (flags.has('stats')) break;
      await sleep(intervalMs);
    }
    return 0;
  },
};

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

function parseInterval(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = match?.[2] as keyof typeof unitMs | undefined; // one of the four, says the expression
  const interval = unit === undefined ? 0 : Number(match?.[1]) * unitMs[unit];
  if (interval <= 0) {
    throw new StackError('invalid_argument', `duration interval must be greater than 0: "${text}"`);
  }
  return interval;
}
