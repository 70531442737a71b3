/** `create`: everything up to the user's process, which waits at the exec fifo. */
import path from 'node:path';
import type { Command } from '../command-line/command.ts';
import type { FlagSpecs } from '../command-line/flags.ts';
import { checkContainerId } from '../container/container-id.ts';
import { createContainer } from '../host/create-container.ts';
import { consoleSocket } from '../host/console-socket.ts';
import { inContext } from './error-context.ts';

/** Shared with `run`. */
export const createFlags: FlagSpecs = {
  bundle: {
    kind: 'string',
    alias: 'b',
    help: 'path of the bundle; default: the current directory',
  },
  'console-socket': {
    kind: 'string',
    help: 'unix socket that receives the master of the terminal',
  },
  'pidfd-socket': { kind: 'string', help: 'unix socket that receives a pidfd of the process' },
  'pid-file': { kind: 'string', help: 'file to write the process id to' },
  'no-pivot': { kind: 'boolean', help: 'enter the root by chroot instead of pivot_root' },
  'no-new-keyring': { kind: 'boolean', help: 'keep the session keyring of the caller' },
  'preserve-fds': { kind: 'number', help: 'hand on so many descriptors from 3 on' },
};

export const create: Command = {
  usage: 'create [flags] <container-id>',
  description: 'create a container',
  flags: createFlags,
  minimumArguments: 1,
  maximumArguments: 1,
  async run({ flags, root, log, systemdCgroup, rootless }) {
    const { running } = await inContext('runtime create failed', () =>
      createContainer({
        id: checkContainerId(flags.positional[0]),
        root,
        log,
        rootless,
        bundle: path.resolve(flags.text('bundle') ?? '.'),
        waits: true,
        detached: true,
        console: consoleSocket(flags.text('console-socket')),
        pidfdSocket: flags.text('pidfd-socket'),
        pidFile: flags.text('pid-file'),
        noPivot: flags.has('no-pivot'),
        noNewKeyring: flags.has('no-new-keyring'),
        preserveFds: flags.number('preserve-fds') ?? 0,
        systemdCgroup,
      }),
    );
    running.leave();
    return 0;
  },
};
