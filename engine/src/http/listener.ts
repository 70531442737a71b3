/** Where the API listens: `unix:///path` and `tcp://host:port`. */
import fs from 'node:fs';
import type http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { errorCode, messageOf, StackError } from '#spec/errors';

export type ListenAddress =
  { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number };

/** Only the owner and the group may talk to the engine: it is root for everybody who does. */
const socketUmask = 0o117;

/** Reads the value of `-H`. Throws invalid_argument. */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix://')) {
    const socket = text.slice('unix://'.length);
    if (!path.isAbsolute(socket)) {
      throw new StackError('invalid_argument', `host "${text}" needs an absolute path`);
    }
    return { kind: 'unix', path: socket };
  }
  if (text.startsWith('tcp://')) {
    const found = /^(\[[0-9a-fA-F:.]+\]|[^:/\s]*):(\d{1,5})\/?$/.exec(text.slice('tcp://'.length));
    const port = Number(found?.[2]);
    if (!found || port > 65535) {
      throw new StackError('invalid_argument', `host "${text}" is not tcp://address:port`);
    }
    return { kind: 'tcp', host: (found[1] ?? '').replaceAll(/[[\]]/g, '') || '127.0.0.1', port };
  }
  throw new StackError(
    'invalid_argument',
    `host "${text}" is not supported: use unix:///path or tcp://address:port`,
  );
}

/** Binds `server`. A socket file whose owner died is replaced; one that answers is a conflict. */
export async function listenOn(server: http.Server, address: ListenAddress): Promise<void> {
  if (address.kind === 'unix') {
    await fs.promises.mkdir(path.dirname(address.path), { recursive: true, mode: 0o711 });
    await removeStaleSocket(address.path);
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
      reject(
        new StackError('conflict', `cannot listen on ${where}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    });
    if (address.kind === 'tcp') {
      server.listen(address.port, address.host, resolve);
      return;
    }
    const previous = process.umask(socketUmask);
    server.listen(address.path, resolve); // binds before it returns
    process.umask(previous);
  });
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
