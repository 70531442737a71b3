/** `pause` and `resume`: all processes of a container stand still, or go on. */
import { freeze, thaw } from '#lib/cgroup/processes';
import { StackError } from '#spec/errors';
import type { Command, Invocation } from '../command-line/command.ts';
import { checkContainerId } from '../container/container-id.ts';
import { StateStore } from '../container/state-store.ts';
import { statusOf } from '../container/status.ts';
import { recordedCgroup } from '../host/cgroups.ts';

function findContainer({ flags, root }: Invocation) {
  const store = new StateStore(root);
  const record = store.read(checkContainerId(flags.positional[0]));
  const cgroup = recordedCgroup(record.cgroupPath);
  if (!cgroup) throw new StackError('unimplemented', 'a container without a cgroup cannot pause');
  return { status: statusOf(record, store), cgroup };
}

export const pause: Command = {
  usage: 'pause <container-id>',
  description: 'suspend all processes of a container',
  flags: {},
  minimumArguments: 1,
  maximumArguments: 1,
  async run(invocation) {
    const { status, cgroup } = findContainer(invocation);
    if (status !== 'running' && status !== 'created') {
      throw new StackError('conflict', 'container not running');
    }
    await freeze(cgroup);
    return 0;
  },
};

export const resume: Command = {
  usage: 'resume <container-id>',
  description: 'resume all processes of a paused container',
  flags: {},
  minimumArguments: 1,
  maximumArguments: 1,
  run(invocation) {
    const { status, cgroup } = findContainer(invocation);
    if (status !== 'paused') throw new StackError('conflict', 'container not paused');
    thaw(cgroup);
    return 0;
  },
};
