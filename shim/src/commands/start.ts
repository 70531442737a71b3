/**
 * `start`: makes the shim and prints its address.
 *
 *   containerd ── start ──▶ this process ── fork, exec ──▶ the shim, with the listening socket as descriptor 3;
 *       │                        │                          none where another container of the group has one
 *       ▲                        │
 *       └── unix:///… ───────────┘   the socket listens already: containerd may connect while the shim still loads
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { StackError, errorCode, messageOf } from '#spec/errors';
import { bootstrapAnswer, readBootstrap, type Bootstrap } from '../bootstrap.ts';
import { serveFlags, type CommandLine } from '../command-line.ts';
import { adjustOomScore } from '../oom-score.ts';
import { placementOf, type Placement } from '../placement.ts';
import { joinShimCgroup } from '../shim-cgroup.ts';
import { isAnswered } from '../socket-address.ts';

/**
 * One helper thread for V8 instead of four. Flags of V8 itself would make it refuse the bundle's code cache, which
 * costs more than they save (measured: 26 ms at each start).
 */
const nodeFlags = ['--v8-pool-size=1'];

export async function start(commandLine: CommandLine): Promise<void> {
  const { id, namespace } = commandLine;
  if (id === '' || namespace === '') {
    throw new StackError('invalid_argument', 'start needs -id and -namespace');
  }
  if (process.env['SCHED_CORE']) {
    throw new StackError('unimplemented', 'core scheduling (SCHED_CORE) is not implemented');
  }
  const bootstrap = readBootstrap(fs.readFileSync(0), commandLine);
  const placement = placementOf('.', bootstrap.line, bootstrap.socketFolder);
  const { socket } = placement;
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const descriptor = await listenOrFind(socket);
  if (descriptor !== undefined) {
    try {
      spawnShim(bootstrap, placement, descriptor);
    } catch (error) {
      fs.rmSync(socket, { force: true });
      throw error;
    }
  }
  fs.writeFileSync('address', `unix://${socket}`);
  // The answer and nothing else: containerd reads stdout and stderr together.
  fs.writeSync(1, bootstrapAnswer(placement, bootstrap.takesResult));
  process.exit(0); // without closing the socket, which would remove its path
}

function spawnShim(
  { line, ttrpcAddress, options }: Bootstrap,
  { socket, isShared, protocol }: Placement,
  descriptor: number,
): void {
  const flags = serveFlags({ ...line, socket: isShared ? socket : '', protocol });
  const shim = spawn(process.execPath, [...nodeFlags, ...process.argv.slice(1, 2), ...flags], {
    argv0: 'containerd-shim-lite-v2',
    detached: true, // a session of its own: signals to containerd's group do not reach it
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    env: {
      ...process.env,
      ...(ttrpcAddress && { TTRPC_ADDRESS: ttrpcAddress }),
      UV_THREADPOOL_SIZE: '1',
    },
  });
  const { pid } = shim;
  if (pid === undefined) {
    throw new StackError('unavailable', `cannot start the shim process ${process.execPath}`);
  }
  try {
    joinShimCgroup(pid, options);
    adjustOomScore(pid);
    fs.writeFileSync('shim.pid', pid.toString());
  } catch (error) {
    shim.kill('SIGKILL');
    throw error;
  }
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
    if (await isAnswered(file)) return undefined;
    fs.rmSync(file, { force: true }); // of a shim that was killed
    await listen();
  } finally {
    process.umask(umask); // the shim, the runtime and its hooks would inherit it
  }
  // Node shows the descriptor of a listening socket nowhere else.
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  return fd;
}
