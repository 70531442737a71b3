/** `state`: what a container is doing, as JSON. */
import type { Command } from '../command-line/command.ts';
import { printJson } from '../command-line/output.ts';
import { checkContainerId } from '../container/container-id.ts';
import { StateStore } from '../container/state-store.ts';
import { containerState, statusOf } from '../container/status.ts';

export const state: Command = {
  usage: 'state <container-id>',
  description: 'print the state of a container',
  flags: {},
  minimumArguments: 1,
  maximumArguments: 1,
  run({ flags, root }) {
    const store = new StateStore(root);
    const record = store.read(checkContainerId(flags.positional[0]));
    printJson(containerState(record, statusOf(record, store)));
    return 0;
  },
};
