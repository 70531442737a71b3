/**
 * `standby`: a shim that our containerd-lite starts before there is a container, so that nobody waits for its start.
 *
 *   containerd-lite ── exec ──▶ this process: loads everything, then waits on descriptor 3
 *          │── {"namespace", "id", "bundle", "options"} ──▶ │ enters the bundle, listens on the container's socket
 *          │◀── {"address"} or {"error"} ─────── │ closes descriptor 3: from now on a shim like any other
 *          ╳ gone before the answer ───────────▶ ends, and leaves nothing
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';
import { releaseMemory } from '#lib/memory/release-memory';
import { setChildSubreaper } from '#lib/sys/prctl';
import { peekExitedChild } from '#lib/sys/wait';
import { Any } from '#proto/generated/google.protobuf';
import { serveFlags, type CommandLine } from '../command-line.ts';
import { adjustOomScore } from '../oom-score.ts';
import { placementOf } from '../placement.ts';
import { RuntimeServer } from '../runtime-server.ts';
import { joinShimCgroup } from '../shim-cgroup.ts';
import { isAnswered } from '../socket-address.ts';
import { serve } from './serve.ts';

/** After this time everything is loaded and the runtime has rehearsed. */
const settledMs = 1500;
/** Where containerd-lite hands over the container. */
const controlDescriptor = 3;

/** The container that a standby becomes the shim of. */
interface Assignment {
  namespace: string;
  id: string;
  /** Path of the bundle, which becomes the working directory. */
  bundle: string;
  /** The runtime's options: an Any, base64; empty for none. */
  options: string;
}

/** Waits for a container. `line` has what all shims of one containerd-lite have in common. */
export function standBy(line: CommandLine): void {
  fs.writeFileSync('/proc/self/comm', 'containerd-shim');
  const control = new net.Socket({ fd: controlDescriptor });
  const runtimeServer = warmUp();
  let isAssigned = false;
  let text = '';
  control.setEncoding('utf8');
  control.on('error', () => undefined); // 'close' follows
  control.on('close', () => {
    if (!isAssigned) process.exit(0);
  });
  // What was needed for loading alone.
  const settled = setTimeout(() => releaseMemory(), settledMs);
  control.on('data', (chunk: string) => {
    text += chunk;
    if (isAssigned || !text.endsWith('\n')) return;
    isAssigned = true;
    clearTimeout(settled);
    // Only our containerd-lite has the other end.
    void become(JSON.parse(text) as Assignment, line, { control, runtimeServer });
  });
}

/** Does now what the first container would wait for: finds the functions of libc, starts the runtime. */
function warmUp(): RuntimeServer {
  adjustOomScore(process.pid);
  setChildSubreaper();
  peekExitedChild();
  return new RuntimeServer({ hasTime: true });
}

async function become(
  { namespace, id, bundle, options }: Assignment,
  line: CommandLine,
  { control, runtimeServer }: { control: net.Socket; runtimeServer: RuntimeServer },
): Promise<void> {
  const answer = (message: object, exitCode?: number) => {
    control.end(`${JSON.stringify(message)}\n`, () => {
      if (exitCode !== undefined) process.exit(exitCode);
    });
  };
  let socket: string;
  try {
    const placement = placementOf(bundle, { ...line, namespace, id });
    socket = placement.socket;
    if (placement.protocol === 'grpc') throw new StackError('unimplemented', 'it speaks ttrpc');
    if (placement.isShared && (await isAnswered(socket))) {
      fs.writeFileSync(path.join(bundle, 'address'), `unix://${socket}`);
      answer({ address: `unix://${socket}` }, 0); // another shim has the group
      return;
    }
    joinShimCgroup(process.pid, options ? Any.decode(Buffer.from(options, 'base64')) : undefined);
    const own = { ...line, namespace, id, socket: placement.isShared ? socket : '' };
    await listenIn(bundle, socket, { ...own, verb: 'serve' }, runtimeServer);
  } catch (error) {
    answer({ error: messageOf(error) }, 1);
    return;
  }
  if (control.destroyed) {
    fs.rmSync(socket, { force: true }); // containerd-lite is gone and knows nothing of us
    process.exit(0);
  }
  answer({ address: `unix://${socket}` });
}

async function listenIn(
  bundle: string,
  socket: string,
  line: CommandLine,
  runtimeServer: RuntimeServer,
): Promise<void> {
  process.chdir(bundle);
  process.env['NAMESPACE'] = line.namespace;
  showContainer(line);
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  if (!(await isAnswered(socket))) fs.rmSync(socket, { force: true }); // of a shim that was killed
  const umask = process.umask(0o177); // of the socket alone: serve makes it before it first waits
  const listening = serve(line, { socket: { path: socket }, runtimeServer });
  process.umask(umask);
  await listening;
  fs.writeFileSync('shim.pid', process.pid.toString());
  fs.writeFileSync('address', `unix://${socket}`);
}

/** Gives `ps` the command line that `start` would have given. containerd-lite has left room for it in the old one. */
function showContainer(line: CommandLine): void {
  process.title = ['containerd-shim-lite-v2', process.argv[1] ?? '', ...serveFlags(line)].join(' ');
}
