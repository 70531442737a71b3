/** How a shim that stands by becomes that of a container. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import { Any } from '#proto/generated/google.protobuf';
import { serveFlags, type CommandLine } from './command-line.ts';
import { serve } from './commands/serve.ts';
import { placementOf } from './placement.ts';
import type { ServedRuntime } from './served-runtime.ts';
import { joinShimCgroup } from './shim-cgroup.ts';
import { isAnswered } from './socket-address.ts';

/** The container that it becomes the shim of. */
export interface Assignment {
  namespace: string;
  id: string;
  /** Path of the bundle, which becomes the working directory. */
  bundle: string;
  /** The runtime's options: an Any, base64; empty for none. */
  options: string;
}

export interface AssignmentParts {
  runtimeServer: ServedRuntime;
  /** Whether the one who has assigned the container is still there. */
  isWanted: () => boolean;
  /** Called instead of ending the process when the container is gone; with the reason why that did not go well. */
  onEnd: (complaint: string | undefined) => void;
}

export interface ShimAddress {
  /** `unix://` and a path. */
  url: string;
  /** Another shim listens there, which has the container's group; this one is not needed. */
  isOfAnother: boolean;
}

/** Enters the bundle and listens. Throws what is wrong with the bundle or its socket; nothing can be repeated then. */
export async function becomeShim(
  { namespace, id, bundle, options }: Assignment,
  line: CommandLine,
  { runtimeServer, isWanted, onEnd }: AssignmentParts,
): Promise<ShimAddress> {
  const { socket, protocol, isShared } = placementOf(bundle, { ...line, namespace, id });
  const url = `unix://${socket}`;
  if (protocol === 'grpc') throw new StackError('unimplemented', 'it speaks ttrpc');
  if (isShared && (await isAnswered(socket))) {
    fs.writeFileSync(path.join(bundle, 'address'), url);
    return { url, isOfAnother: true };
  }
  joinShimCgroup(process.pid, options ? Any.decode(Buffer.from(options, 'base64')) : undefined);
  const own: CommandLine = {
    ...line,
    ...{ namespace, id, socket: isShared ? socket : '', verb: 'serve' },
  };
  process.chdir(bundle);
  process.env['NAMESPACE'] = namespace;
  showContainer(own);
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  if (!(await isAnswered(socket))) fs.rmSync(socket, { force: true }); // of a shim that was killed
  const umask = process.umask(0o177); // of the socket alone: serve makes it before it first waits
  const listening = serve(own, { socket: { path: socket }, runtimeServer, onEnd });
  process.umask(umask);
  await listening;
  fs.writeFileSync('shim.pid', process.pid.toString());
  fs.writeFileSync('address', url);
  if (!isWanted()) {
    fs.rmSync(socket, { force: true }); // containerd-lite is gone and knows nothing of us
    process.exit(0);
  }
  return { url, isOfAnother: false };
}

/** Gives `ps` the command line that `start` would have given. containerd-lite has left room for it in the old one. */
function showContainer(line: CommandLine): void {
  process.title = ['containerd-shim-lite-v2', process.argv[1] ?? '', ...serveFlags(line)].join(' ');
}
