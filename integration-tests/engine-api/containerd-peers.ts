/** Stacks of engined over each containerd that it is to work with. */
import type { Context } from 'mocha';
import { runOk } from '../harness/command.ts';
import { newerPeers } from '../harness/newer-peers.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { Stack, type StackOptions } from '../harness/stack.ts';

export interface RunningPeer {
  stack: Stack;
  /** Runs ctr in engined's namespace. Throws unless it ends with 0. */
  ctr(...args: string[]): Promise<string>;
  /** Ends both daemons and starts them again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ContainerdPeer {
  name: string;
  /** Skips where the peer cannot be had. */
  start: (context: Context, options?: StackOptions) => Promise<RunningPeer>;
}

async function overLite(context: Context, options: StackOptions = {}): Promise<RunningPeer> {
  needRoot(context);
  needPeers(context, 'docker');
  const stack = await Stack.start(options);
  return {
    stack,
    ctr: ctrOf(() => stack.containerdAddress),
    restart: async () => {
      await stack.endEngined('SIGTERM'); // and with it its containerd-lite
      await stack.startEngined();
    },
    stop: () => stack.stop(),
  };
}

async function overReal(
  context: Context,
  { arguments: more = [], ...options }: StackOptions = {},
  folders: readonly string[] = [],
): Promise<RunningPeer> {
  needRoot(context);
  needPeers(context, 'docker', 'containerd', 'runc', 'ctr');
  const containerd = await RealDocker.start({ containerdOnly: true, shimFolders: folders });
  try {
    const { containerdAddress } = containerd;
    const stack = await Stack.start({
      ...options,
      arguments: ['--containerd', containerdAddress, ...more],
    });
    return {
      stack,
      ctr: ctrOf(() => containerdAddress),
      restart: async () => {
        await stack.endEngined('SIGTERM');
        await containerd.end('containerd', 'SIGTERM');
        await containerd.startContainerd();
        await stack.startEngined();
      },
      stop: async () => {
        await stack.stop();
        await containerd.stop();
      },
    };
  } catch (error) {
    await containerd.stop();
    throw error;
  }
}

function ctrOf(address: () => string): RunningPeer['ctr'] {
  return async (...args) => {
    const { stdout } = await runOk('ctr', ['-a', address(), '-n', 'engine', ...args]);
    return stdout.trim();
  };
}

export const containerdPeers: readonly ContainerdPeer[] = [
  { name: 'containerd-lite', start: overLite },
  { name: 'the real containerd', start: overReal },
  {
    name: 'a newer containerd',
    start: async (context, options) => overReal(context, options, await newerPeers(context)),
  },
];
