/** Binds a server to where the API listens. */
import fs from 'node:fs';
import type http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { errorCode, messageOf, StackError } from '#spec/errors';
import type { ListenAddress } from './listen-address.ts';

/** Only the owner and the group may talk to the engine: it is root for everybody who does. */
const socketUmask = 0o117;

/** One socket to accept connections on. */
export type Listener =
  | (Extract<ListenAddress, { kind: 'unix' }> & { groupId?: number | undefined })
  | Extract<ListenAddress, { kind: 'tcp' }>
  | { kind: 'fd'; fd: number };

/** Binds `server`. A socket file whose owner died is replaced; one that answers is a conflict. */
export async function listenOn(server: http.Server, listener: Listener): Promise<void> {
  if (listener.kind === 'unix') {
    await fs.promises.mkdir(path.dirname(listener.path), { recursive: true, mode: 0o711 });
    await removeStaleSocket(listener.path);
  }
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(
        new StackError('conflict', `cannot listen on ${nameOf(listener)}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    };
    server.once('error', failed);
    const bound = (): void => {
      server.off('error', failed);
      resolve();
    };
    if (listener.kind === 'tcp') {
      server.listen(listener.port, listener.host, bound);
    } else if (listener.kind === 'fd') {
      server.listen({ fd: listener.fd }, bound);
    } else {
      const previous = process.umask(socketUmask);
      server.listen(listener.path, bound); // binds before it returns
      process.umask(previous);
    }
  });
  if (listener.kind === 'unix' && listener.groupId !== undefined) {
    fs.chownSync(listener.path, 0, listener.groupId);
  }
}

/** As the log and errors call it. */
export function nameOf(listener: Listener): string {
  if (listener.kind === 'unix') return listener.path;
  return listener.kind === 'fd' ? `fd ${listener.fd}` : `${listener.host}:${listener.port}`;
}

async function removeStaleSocket(socketPath: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = net.connect(socketPath);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => resolve(errorCode(error) === 'EAGAIN'));
  });
  if (alive) {
    throw new StackError(
      'conflict',
      `cannot listen on ${socketPath}: another process answers there`,
    );
  }
  const status = await fs.promises.lstat(socketPath).catch(() => undefined);
  if (!status) return;
  if (!status.isSocket()) {
    throw new StackError(
      'conflict',
      `cannot listen on ${socketPath}: it exists and is not a socket`,
    );
  }
  await fs.promises.unlink(socketPath);
}
