/** `restore`: makes a container again from the images of a `checkpoint`. It goes on where it was. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import { criuFlags, criuPaths, sharedOptions } from '../checkpoint/criu-flags.ts';
import { restoreContainer } from '../checkpoint/restore-container.ts';
import { RestoredProcess } from '../checkpoint/restored-process.ts';
import type { Command, Invocation } from '../command-line/command.ts';
import { readBundle } from '../container/bundle.ts';
import { checkContainerId } from '../container/container-id.ts';
import { destroyContainer } from '../container/destroy.ts';
import { StateStore } from '../container/state-store.ts';
import { consoleSocket } from '../host/console-socket.ts';
import { Foreground } from '../host/foreground.ts';
import { inContext } from './error-context.ts';

export const restore: Command = {
  usage: 'restore [flags] <container-id>',
  description: 'make a container again from images (needs criu)',
  flags: {
    ...criuFlags,
    bundle: {
      kind: 'string',
      alias: 'b',
      help: 'path of the bundle; default: the current directory',
    },
    'console-socket': {
      kind: 'string',
      help: 'unix socket that receives the master of the terminal',
    },
    detach: { kind: 'boolean', alias: 'd', help: 'leave the container running and return' },
    'pid-file': { kind: 'string', help: 'file to write the process id to' },
    'no-subreaper': {
      kind: 'boolean',
      help: 'accepted for runc; the runtime is no subreaper here in any case',
    },
    'no-pivot': {
      kind: 'boolean',
      help: 'accepted for runc; criu enters the root as it does',
    },
    'lsm-profile': { kind: 'string', help: 'TYPE:NAME: the label of processes (criu 3.16)' },
    'lsm-mount-context': { kind: 'string', help: 'the context of mounts (criu 3.16)' },
  },
  minimumArguments: 1,
  maximumArguments: 1,
  run: (invocation) => inContext('restore failed', () => runRestore(invocation)),
};

async function runRestore({ flags, root, log, systemdCgroup }: Invocation): Promise<number> {
  const id = checkContainerId(flags.positional[0]);
  const bundle = readBundle(path.resolve(flags.text('bundle') || '.'));
  const { terminal = false } = bundle.config.process;
  const detach = flags.has('detach');
  const socketPath = flags.text('console-socket');
  if (detach && terminal !== (socketPath !== undefined)) {
    throw new StackError(
      'invalid_argument',
      terminal
        ? 'cannot allocate tty if runtime will detach without setting console socket'
        : 'cannot use console socket if runtime will not detach or allocate tty',
    );
  }
  if (process.geteuid?.() !== 0) log.warn('restore is untested with rootless containers');
  const foreground = detach ? undefined : new Foreground(bundle.config.process, socketPath);
  try {
    const store = new StateStore(root);
    const record = await restoreContainer({
      id,
      bundle,
      store,
      log,
      paths: criuPaths(flags),
      criu: sharedOptions(flags),
      lsmProfile: flags.text('lsm-profile'),
      lsmMountContext: flags.text('lsm-mount-context'),
      console: foreground ? foreground.console : consoleSocket(socketPath),
      pidFile: flags.text('pid-file'),
      detached: detach,
      systemdCgroup,
    });
    if (!foreground) return 0;
    const status = await foreground.follow(new RestoredProcess(record));
    await destroyContainer(record, store, (message) => log.warn(message));
    return status;
  } finally {
    foreground?.close();
  }
}
