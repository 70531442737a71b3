/**
 * `start`: makes the shim and prints its address.
 *
 *   containerd ── start ──▶ this process ── fork, exec ──▶ the shim, with the listening socket as descriptor 3
 *       ▲                        │
 *       └── unix:///… ───────────┘   the socket listens already: containerd may connect while the shim still loads
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { StackError, errorCode, messageOf } from '#spec/errors';
import { serveFlags, type CommandLine } from '../command-line.ts';
import { adjustOomScore } from '../oom-score.ts';
import { socketPath } from '../socket-address.ts';

/**
 * One helper thread for V8 instead of four. Flags of V8 itself would make it refuse the bundle's code cache, which
 * costs more than they save (measured: 26 ms at each start).
 */
const nodeFlags = ['--v8-pool-size=1'];

export async function start({
  namespace,
  id,
  address,
  publishBinary,
  debug,
}: CommandLine): Promise<void> {
  if (id === '' || namespace === '') {
    throw new StackError('invalid_argument', 'start needs -id and -namespace');
  }
  const socket = socketPath(address, namespace, id);
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const descriptor = await listenOrFind(socket);
  if (descriptor !== undefined) {
    const shim = spawn(
      process.execPath,
      [
        ...nodeFlags,
        ...process.argv.slice(1, 2),
        ...serveFlags({ namespace, id, address, publishBinary, debug, socket: '' }),
      ],
      {
        argv0: 'containerd-shim-lite-v2',
        detached: true, // a session of its own: signals to containerd's group do not reach it
        stdio: ['ignore', 'ignore', 'ignore', descriptor],
        env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      },
    );
    if (shim.pid === undefined) {
      fs.rmSync(socket, { force: true });
      throw new StackError('unavailable', `cannot start the shim process ${process.execPath}`);
    }
    adjustOomScore(shim.pid);
    fs.writeFileSync('shim.pid', shim.pid.toString());
  }
  fs.writeFileSync('address', `unix://${socket}`);
  // The bare address and nothing else: containerd reads stdout and stderr together.
  fs.writeSync(1, `unix://${socket}`);
  process.exit(0); // without closing the socket, which would remove its path
}

/** The descriptor of a socket that listens at `file`, or undefined where a shim already does. */
async function listenOrFind(file: string): Promise<number | undefined> {
  const server = net.createServer();
  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(file, resolve);
    });
  const umask = process.umask(0o177);
  try {
    await listen();
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') {
      throw new StackError('unavailable', `cannot listen on ${file}: ${messageOf(error)}`);
    }
    if (await answers(file)) return undefined;
    fs.rmSync(file, { force: true }); // of a shim that was killed
    await listen();
  } finally {
    process.umask(umask); // the shim, the runtime and its hooks would inherit it
  }
  // Node shows the descriptor of a listening socket nowhere else.
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  return fd;
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(file);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
