/** `delete`: removes what is left of a container; with --force also what still runs. */
import { StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { checkContainerId } from '../container/container-id.ts';
import { destroyContainer, killContainer, removeState } from '../container/destroy.ts';
import { StateStore } from '../container/state-store.ts';
import { statusOf } from '../container/status.ts';

export const deleteContainer: Command = {
  usage: 'delete [flags] <container-id>',
  description: 'delete what a container holds',
  flags: { force: { kind: 'boolean', alias: 'f', help: 'kill it first if it still runs' } },
  minimumArguments: 1,
  maximumArguments: 1,
  async run({ flags, root, log }) {
    const store = new StateStore(root);
    const id = checkContainerId(flags.positional[0]);
    const force = flags.has('force');
    let record;
    try {
      record = store.read(id);
    } catch (error) {
      if (!force) throw error;
      await removeState(id, store); // a directory without a state: a create that was killed
      return 0;
    }
    const status = statusOf(record, store);
    if (status === 'creating') {
      throw new StackError('conflict', `cannot delete container ${id} that is being created`);
    }
    if (status !== 'stopped') {
      if (status !== 'created' && !force) {
        throw new StackError(
          'conflict',
          `cannot delete container ${id} that is not stopped: ${status}`,
        );
      }
      await killContainer(record);
    }
    await destroyContainer(record, store, (message) => log.warn(message));
    return 0;
  },
};
