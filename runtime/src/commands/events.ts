/**
 * `events`: what a container uses, once (`--stats`) or every interval, and what the kernel killed for want of memory,
 * one JSON document per line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupExists } from '#lib/cgroup/cgroup';
import type { Cgroup } from '#lib/cgroup/layout';
import { oomKills, watchOom } from '#lib/cgroup/oom';
import { StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { print } from '../command-line/output.ts';
import { checkContainerId } from '../container/container-id.ts';
import { isAlive } from '../container/process-identity.ts';
import { StateStore, type ContainerRecord } from '../container/state-store.ts';
import { statusOf } from '../container/status.ts';
import { recordedCgroup } from '../host/cgroups.ts';
import { oomEvent, statsEvent } from './events-format.ts';

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
    if (flags.has('stats')) print(`${statsEvent(record.id, cgroup)}\n`);
    else await follow(record, cgroup, intervalMs);
    return 0;
  },
};

/** How soon the end of a container is noticed. */
const pollMs = 100;

/** Prints until the container has ended. As with runc the first line comes after an interval. */
async function follow(record: ContainerRecord, cgroup: Cgroup, intervalMs: number): Promise<void> {
  const { id, pid, startTime } = record;
  const before = oomKills(cgroup);
  let told = 0;
  const tellOom = () => {
    told++;
    print(`${oomEvent(id)}\n`);
  };
  const unwatch = watchOom(cgroup, tellOom);
  try {
    for (let next = Date.now() + intervalMs; isAlive(pid, startTime);) {
      await sleep(Math.min(pollMs, Math.max(1, next - Date.now())));
      if (Date.now() < next || !cgroupExists(cgroup)) continue;
      print(`${statsEvent(id, cgroup)}\n`);
      next += intervalMs;
    }
    // The notification of what ended the container may still be on its way.
    if (told === 0 && oomKills(cgroup) > before) tellOom();
  } finally {
    unwatch();
  }
}

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
