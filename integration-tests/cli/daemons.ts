/** The daemons that the command line is tried on: ours, and a real dockerd. */
import type { Context } from 'mocha';
import { executablePath } from '#lib/installation/installation';
import { run, runOk, type CommandOptions, type CommandResult } from '../harness/command.ts';
import { busyboxReference, loadBusybox } from '../interop/busybox.ts';
import { needPeers } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { sharedStack } from '../harness/shared-stack.ts';

const engine = executablePath('engine');

/** A running daemon with a busybox image. */
export interface Daemon {
  host: string;
  /** Name of the busybox image. */
  busybox: string;
  /** Runs `engine` on it. */
  engine(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The same; an error unless it ends with 0. What it printed, trimmed. */
  ok(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

export const daemons: readonly { name: string; start: (context: Context) => Promise<Daemon> }[] = [
  {
    name: 'engined',
    async start(context) {
      const stack = await sharedStack();
      const busybox = 'busybox:cli';
      const reference = await busyboxReference(context);
      await stack.engineOk('pull', '-q', reference);
      await stack.engineOk('tag', reference, busybox);
      return daemonAt(stack.host, busybox, async () => {
        await stack.engine('rmi', busybox);
      });
    },
  },
  {
    name: 'a real dockerd',
    async start(context) {
      needPeers(context, 'docker', 'dockerd', 'containerd', 'runc', 'ip', 'iptables', 'skopeo');
      const docker = await RealDocker.start({ ownNetns: true });
      const busybox = 'busybox:cli';
      await docker.dockerOk('tag', await loadBusybox(context, docker), busybox);
      return daemonAt(docker.host, busybox, () => docker.stop());
    },
  },
];

function daemonAt(host: string, busybox: string, stop: () => Promise<void>): Daemon {
  return {
    ...{ host, busybox, stop },
    engine: (args, options) => run(engine, ['-H', host, ...args], options),
    ok: async (...args) => (await runOk(engine, ['-H', host, ...args])).stdout.trim(),
  };
}
