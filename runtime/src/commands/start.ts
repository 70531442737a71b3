/** `start`: lets a created container's process execute its command, and waits until it has. */
import fs from 'node:fs';
import { promisify } from 'node:util';
import { errorCode, StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { checkContainerId } from '../container/container-id.ts';
import { isAlive } from '../container/process-identity.ts';
import { StateStore, type ContainerRecord } from '../container/state-store.ts';
import { isWaiting, statusOf } from '../container/status.ts';

export const start: Command = {
  usage: 'start <container-id>',
  description: 'execute the command of a created container',
  flags: {},
  minimumArguments: 1,
  maximumArguments: 1,
  async run({ flags, root }) {
    const store = new StateStore(root);
    const record = store.read(checkContainerId(flags.positional[0]));
    const status = statusOf(record, store);
    if (status === 'stopped') {
      throw new StackError('conflict', 'cannot start a container that has stopped');
    }
    if (status === 'paused' || status === 'creating') {
      throw new StackError('conflict', `cannot start a container in the ${status} state`);
    }
    if (status !== 'created') {
      throw new StackError('conflict', 'cannot start an already running container');
    }
    const proxy = await openNotifyProxy(store.notifyDirectory(record.id));
    await letGo(record, store.fifo(record.id));
    await runPoststart(record);
    await proxy?.forward(record.pid, () => isAlive(record.pid, record.startTime));
    return 0;
  },
};

async function openNotifyProxy(directory: string) {
  const target = process.env.NOTIFY_SOCKET;
  if (!target || !fs.existsSync(directory)) return undefined;
  const { NotifyProxy } = await import('../host/notify-socket.ts');
  return new NotifyProxy(directory, target);
}

/** How often it is looked whether a process that should answer still lives. */
const pollMs = 100;

/**
 * Opens the exec fifo, which lets the process go on: it writes "0" and executes. The end of the fifo after that means
 * success; a failure record before it says what went wrong.
 */
async function letGo(record: ContainerRecord, fifo: string): Promise<void> {
  const answer = readFifo(fifo);
  let answered = false;
  const watch = async () => {
    while (!answered) {
      await new Promise((resolve) => setTimeout(resolve, pollMs).unref());
      if (!isAlive(record.pid, record.startTime)) return 'dead';
      if (!isWaiting(record.pid)) return 'running';
    }
    return 'answered';
  };
  const first = await Promise.race([answer, watch()]);
  if (typeof first === 'string') releaseReader(fifo);
  const bytes = await answer;
  answered = true;
  if (bytes.length === 0 || bytes[0] !== 0x30) {
    throw new StackError(
      'conflict',
      isAlive(record.pid, record.startTime)
        ? 'cannot start an already running container' // another start was faster
        : 'cannot start a container that has stopped',
    );
  }
  fs.rmSync(fifo, { force: true });
  if (bytes.length === 1) return;
  const { lateFailure } = await import('../host/failure-message.ts');
  throw lateFailure(bytes.subarray(1), record.config.process);
}

/** "0", two records of the loader, and the beginning of what hooks have printed. Bytes. */
const largestAnswer = 1 + 2 * 32 + 4096;

/** Everything that comes through the fifo. Both waits take place on a pool thread. */
async function readFifo(fifo: string): Promise<Buffer> {
  const fd = await promisify(fs.open)(fifo, 'r'); // waits for the other end
  try {
    const bytes = Buffer.alloc(largestAnswer);
    let length = 0;
    while (true) {
      const { bytesRead } = await promisify(fs.read)(
        fd,
        bytes,
        length,
        bytes.length - length,
        null,
      );
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** A fifo that nobody will ever write to: both ends at once let the waiting open return. */
function releaseReader(fifo: string): void {
  try {
    fs.closeSync(fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error; // another start was faster
  }
}

/** A poststart hook that fails takes the container with it (runtime-spec 1.3). */
async function runPoststart(record: ContainerRecord): Promise<void> {
  if (!record.config.hooks?.poststart?.length) return;
  const { runHooks } = await import('../container/hooks.ts');
  const { hookState } = await import('../container/status.ts');
  try {
    runHooks(record.config.hooks, 'poststart', hookState(record, 'running'));
  } catch (error) {
    process.kill(record.pid, 'SIGKILL');
    throw error;
  }
}
