/** `run`: create and start in one. In the foreground it lasts as long as the container and ends with its status. */
import path from 'node:path';
import { messageOf } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { checkContainerId } from '../container/container-id.ts';
import { destroyContainer, killContainer } from '../container/destroy.ts';
import { runHooks } from '../container/hooks.ts';
import { isAlive } from '../container/process-identity.ts';
import { readBundle } from '../container/bundle.ts';
import { StateStore } from '../container/state-store.ts';
import { hookState } from '../container/status.ts';
import { createContainer, type CreatedContainer } from '../host/create-container.ts';
import { consoleSocket } from '../host/console-socket.ts';
import { Foreground } from '../host/foreground.ts';
import { createFlags } from './create.ts';
import { NotifyProxy } from '../host/notify-socket.ts';
import { inContext } from './error-context.ts';
import type { Invocation } from '../command-line/command.ts';

export const run: Command = {
  usage: 'run [flags] <container-id>',
  description: 'create and start a container',
  flags: {
    ...createFlags,
    detach: { kind: 'boolean', alias: 'd', help: 'leave the container running and return' },
    keep: { kind: 'boolean', help: 'do not delete the container when it has ended' },
    'no-subreaper': {
      kind: 'boolean',
      help: 'accepted for runc; the runtime is no subreaper here in any case',
    },
  },
  minimumArguments: 1,
  maximumArguments: 1,
  run: (invocation) => inContext('runtime run failed', () => runContainer(invocation)),
};

async function runContainer({
  flags,
  root,
  log,
  systemdCgroup,
  rootless,
}: Invocation): Promise<number> {
  const id = checkContainerId(flags.positional[0]);
  const bundle = path.resolve(flags.text('bundle') ?? '.');
  const detach = flags.has('detach');
  const notifyTarget = process.env.NOTIFY_SOCKET ?? '';
  let readiness: NotifyProxy | undefined;
  const foreground = detach
    ? undefined
    : new Foreground(readBundle(bundle).config.process, flags.text('console-socket'));
  try {
    const created = await createContainer({
      id,
      root,
      log,
      rootless,
      bundle,
      waits: false,
      detached: detach,
      console: foreground ? foreground.console : consoleSocket(flags.text('console-socket')),
      pidfdSocket: flags.text('pidfd-socket'),
      pidFile: flags.text('pid-file'),
      noPivot: flags.has('no-pivot'),
      noNewKeyring: flags.has('no-new-keyring'),
      preserveFds: flags.number('preserve-fds') ?? 0,
      systemdCgroup,
      onNotifyDirectory(directory) {
        readiness = new NotifyProxy(directory, notifyTarget);
      },
    });
    const store = new StateStore(root);
    await finishStart(created, store);
    const { pid, startTime } = created.record;
    const forward = (mainPid: number) => readiness?.forward(mainPid, () => isAlive(pid, startTime));
    if (!foreground) {
      created.running.leave();
      await forward(pid);
      return 0;
    }
    // Whoever watches this process learns by it how the container ends.
    forward(process.pid)?.catch((error: unknown) => {
      log.warn(`NOTIFY_SOCKET: ${messageOf(error)}`);
    });
    const status = await foreground.follow(created.running);
    if (!flags.has('keep')) {
      await destroyContainer(created.record, store, (message) => log.warn(message));
    }
    return status;
  } finally {
    readiness?.close();
    foreground?.close();
  }
}

/** Waits for execve and runs the poststart hooks; a failure leaves nothing behind. */
async function finishStart(
  { running, record }: CreatedContainer,
  store: StateStore,
): Promise<void> {
  try {
    running.awaitExecution();
    if (record.config.hooks?.poststart?.length) {
      runHooks(record.config.hooks, 'poststart', hookState(record, 'running'));
    }
  } catch (error) {
    await killContainer(record);
    running.leave();
    await destroyContainer(record, store, () => undefined);
    throw error;
  }
}
