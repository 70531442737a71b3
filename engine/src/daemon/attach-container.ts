/** `POST /containers/{id}/attach`, after the connection was taken over. */
import type { Socket } from 'node:net';
import type { HijackedConnection } from '../http/hijack.ts';
import { copyStdin, flushed } from './attach.ts';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import type { OutputSubscriber } from './output.ts';
import { ClientStream } from './stream-frames.ts';

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Whether to stay for what comes, rather than to replay the log only. */
  stream: boolean;
  /** Whether output travels in frames unless there is a terminal. */
  isFramed: boolean;
  detachKeys: Buffer;
  /** Sends what was logged so far; undefined unless asked for. */
  replay: ((client: ClientStream) => Promise<void>) | undefined;
}

/** Serves an attached client until it leaves or the container ends. */
export async function attachContainer(
  engine: Engine,
  container: Container,
  { input, output }: HijackedConnection,
  options: AttachOptions,
): Promise<void> {
  const { Tty: tty, OpenStdin: openStdin, StdinOnce: stdinOnce } = container.record.config;
  const client = new ClientStream(output, {
    tty: tty || !options.isFramed,
    stdout: options.stdout,
    stderr: options.stderr,
  });
  publishContainerEvent(engine, container, 'attach');
  // Before the replay, so that nothing falls between log and live output; what comes meanwhile waits in the FIFO.
  const replayed = options.replay?.(client) ?? Promise.resolve();
  const subscriber: OutputSubscriber = {
    write: (stream, chunk) =>
      options.replay
        ? replayed.then(() => client.write(stream, chunk))
        : client.write(stream, chunk),
    connection: (stream) => (options.replay ? undefined : client.connection(stream)),
    end: () => {
      leave();
      void replayed.then(() => client.end());
    },
  };
  let unsubscribe = (): unknown => undefined;
  const leave = (): void => {
    container.subscribers.delete(subscriber);
    unsubscribe();
  };
  if (!options.stream) {
    await replayed;
    client.end();
    return;
  }
  container.subscribers.add(subscriber);
  unsubscribe = container.output?.subscribe(subscriber) ?? unsubscribe;
  const gone = new AbortController();
  output.once('close', () => {
    leave();
    gone.abort();
  });
  if (!options.stdin || !openStdin) {
    input.resume(); // an end of input would not be noticed otherwise
    return;
  }
  const end = await copyStdin({
    input,
    stdin: stdinOf(container, gone.signal),
    detachKeys: tty ? options.detachKeys : undefined,
  });
  if (end === 'detached') {
    publishContainerEvent(engine, container, 'detach');
    leave();
    client.end();
  } else if (stdinOnce && !tty) {
    await closeStdin(engine, container);
  } else if (end === 'eof') {
    leave();
    client.end();
  }
}

/** The container's stdin now, or when it starts; undefined when the client left before. */
function stdinOf(container: Container, gone: AbortSignal): Promise<Socket | undefined> {
  if (container.stdin) return Promise.resolve(container.stdin);
  return new Promise((resolve) => {
    const finish = (stdin: Socket | undefined): void => {
      container.stdinListeners.delete(finish);
      gone.removeEventListener('abort', abort);
      resolve(stdin);
    };
    const abort = (): void => finish(undefined);
    container.stdinListeners.add(finish);
    gone.addEventListener('abort', abort);
  });
}

/** Lets the process read to the end: our writer first, then the one that the shim keeps. */
async function closeStdin({ client, logger }: Engine, container: Container): Promise<void> {
  const { stdin, id } = container;
  if (!stdin) return;
  await flushed(stdin);
  stdin.destroy();
  if (container.stdin === stdin) container.stdin = undefined;
  try {
    await client.tasks.closeIO({ containerId: id, stdin: true });
  } catch (error) {
    logger.debug('cannot close stdin', { container: id, error }); // the task may have ended first
  }
}
