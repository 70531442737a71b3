/** The cells of the swap table that ctr drives: a containerd of either kind, with a client on it. */
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker, type RealDockerOptions } from '../harness/real-docker.ts';
import { busyboxReference } from './busybox.ts';
import { CtrClient } from './ctr-client.ts';
import { describeLifecycle } from './lifecycle-suite.ts';
import { describeRuntimeUse, describeUserNamespace } from './runtime-suite.ts';
import { describeSurvival } from './survival-suite.ts';

/** A containerd, real or ours. */
export interface Containerd {
  readonly address: string;
  /** What it has below these is its containers'. */
  readonly folders: readonly string[];
  /** SIGKILL, and a new start. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface CtrCellOptions {
  peers: readonly string[];
  start: () => Promise<Containerd>;
  /** Options of `ctr run` that choose shim and runtime. */
  runFlags: readonly string[];
  /** Whether what only runtimes are asked for is tried as well. */
  runtimeUse?: boolean;
  /** Whether the daemon is also killed and started again. */
  survival?: boolean;
}

/** The lifecycle, and what survives, of containers that ctr makes. */
export function describeCtrCell(title: string, options: CtrCellOptions): void {
  describe(`${title}, by ctr`, () => {
    let containerd: Containerd | undefined;
    let ctr: CtrClient | undefined;

    before(async function () {
      needRoot(this);
      needPeers(this, 'ctr', ...options.peers);
      const image = await busyboxReference(this);
      containerd = await options.start();
      const { address, folders } = containerd;
      const { runFlags } = options;
      ctr = new CtrClient({ address, image, runFlags, folders });
      await ctr.pull();
    });

    after(async () => {
      await ctr?.close();
      await containerd?.stop();
    });

    const client = (): CtrClient => {
      if (!ctr) throw new Error('ctr has not been started');
      return ctr;
    };
    describeLifecycle('lives', async () => client());
    if (options.runtimeUse) {
      describeRuntimeUse('its runtime', client);
      describeUserNamespace('its runtime', client);
    }
    if (options.survival) {
      describeSurvival('its daemon', client, {
        containerd: async () => containerd?.restart(),
      });
    }
  });
}

/** A real containerd that finds our shim on its PATH, beside its own. */
export async function startRealContainerd(options: RealDockerOptions = {}): Promise<Containerd> {
  const shimFolders = [path.dirname(executablePath('containerd-shim-lite-v2'))];
  const peers = await RealDocker.start({ shimFolders, ...options, containerdOnly: true });
  return {
    address: peers.containerdAddress,
    folders: [peers.root],
    restart: async () => {
      await peers.end('containerd', 'SIGKILL');
      await peers.startContainerd();
    },
    stop: () => peers.stop(),
  };
}

export async function startContainerdLite(): Promise<Containerd> {
  const daemon = new ContainerdLite();
  await daemon.start();
  return {
    address: daemon.address,
    folders: [`${daemon.folder}/state`],
    restart: async () => {
      await daemon.end('SIGKILL');
      await daemon.start();
    },
    stop: () => daemon.remove(),
  };
}
