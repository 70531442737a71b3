/** `kill`: a signal to the first process of a container, or to all. */
import { killAll, thaw } from '#lib/cgroup/processes';
import { cgroupExists } from '#lib/cgroup/cgroup';
import { errorCode, StackError } from '#spec/errors';
import { parseSignal } from '#spec/signals';
import type { Command } from '../command-line/command.ts';
import { checkContainerId } from '../container/container-id.ts';
import { StateStore } from '../container/state-store.ts';
import { statusOf } from '../container/status.ts';
import { recordedCgroup } from '../host/cgroups.ts';

const SIGKILL = 9;

export const kill: Command = {
  usage: 'kill [flags] <container-id> [signal]',
  description: 'send a signal (default: SIGTERM) to the first process of a container',
  flags: { all: { kind: 'boolean', alias: 'a', help: 'to every process of the container' } },
  minimumArguments: 1,
  maximumArguments: 2,
  async run({ flags, root }) {
    const store = new StateStore(root);
    const record = store.read(checkContainerId(flags.positional[0]));
    const written = flags.positional[1] ?? 'SIGTERM';
    const signal = written === '0' ? 0 : parseSignal(written); // kill(2): 0 asks whether it is there
    const status = statusOf(record, store);
    const cgroup = recordedCgroup(record.cgroupPath);
    if (flags.has('all') && cgroup && signal !== 0) {
      if (cgroupExists(cgroup)) await killAll(cgroup, signal);
      return 0;
    }
    if (status === 'stopped' || status === 'creating')
      throw new StackError('conflict', 'container not running');
    try {
      process.kill(record.pid, signal);
    } catch (error) {
      if (errorCode(error) !== 'ESRCH') throw error;
      throw new StackError('conflict', 'process already finished', { cause: error });
    }
    // A frozen process of cgroup v1 dies only when it is thawed.
    if (status === 'paused' && signal === SIGKILL && cgroup) thaw(cgroup);
    return 0;
  },
};
