/** The real containerd and dockerd from Debian packages, with private state below a temporary root. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { removeCgroups } from './cgroups.ts';
import { run, runOk, type CommandOptions, type CommandResult } from './command.ts';
import { waitFor } from './wait.ts';

export interface RealDockerOptions {
  /** Name of a network namespace (`ip netns`) to run in; the machine's own without it. */
  netns?: string;
  /** Run in a network namespace made for it, which keeps dockerd's links and rules away from the machine's. */
  ownNetns?: boolean;
  /** Further arguments of dockerd. */
  arguments?: readonly string[];
  /** Start containerd only. */
  containerdOnly?: boolean;
  /** Folders put in front of PATH, where the daemons are found and containerd looks for shims. */
  shimFolders?: readonly string[];
  /** Socket of a containerd to use in place of one of its own. */
  containerd?: string;
  /** Keep images in containerd rather than in dockerd's own store. */
  imagesInContainerd?: boolean;
  /** A command that runs the daemons, e.g. unshare(1) with its options. */
  prefix?: readonly string[];
}

type Daemon = 'containerd' | 'dockerd';

export class RealDocker {
  readonly root: string;
  readonly #options: RealDockerOptions;
  readonly #netns: string | undefined;
  readonly #daemons = new Map<Daemon, ChildProcess>();

  private constructor(options: RealDockerOptions) {
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'docker-'));
    fs.chmodSync(this.root, 0o711); // what users of containers with a user namespace must pass through
    this.#options = options;
    this.#netns = options.ownNetns ? `d${randomBytes(4).toString('hex')}` : options.netns;
  }

  /** Starts containerd, then dockerd, and waits until both answer. */
  static async start(options: RealDockerOptions = {}): Promise<RealDocker> {
    const docker = new RealDocker(options);
    try {
      if (options.ownNetns) await runOk('ip', ['netns', 'add', docker.#netns ?? '']);
      if (options.containerd === undefined) await docker.startContainerd();
      if (!options.containerdOnly) await docker.startDockerd();
    } catch (error) {
      await docker.stop();
      throw error;
    }
    return docker;
  }

  /** `unix:///…` of dockerd. */
  get host(): string {
    return `unix://${this.root}/docker.sock`;
  }

  /** Pids of dockerd and its containerd, as far as they run. */
  get daemonPids(): number[] {
    return [...this.#daemons.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** Path of containerd's gRPC socket. */
  get containerdAddress(): string {
    return this.#options.containerd ?? path.join(this.root, 'containerd.sock');
  }

  /** Runs the docker CLI against dockerd. */
  docker(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return run('docker', ['-H', this.host, ...args], options);
  }

  /** The docker CLI; an error with its output unless it ends with 0. */
  async dockerOk(...args: string[]): Promise<string> {
    return (await runOk('docker', ['-H', this.host, ...args])).stdout.trim();
  }

  /** Runs ctr against containerd. */
  ctr(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return run('ctr', ['-a', this.containerdAddress, ...args], options);
  }

  /** Ends both daemons (by pid), unmounts what they left below the root, removes it. */
  async stop(): Promise<void> {
    await this.end('dockerd', 'SIGTERM');
    await this.end('containerd', 'SIGTERM');
    for (const mountPoint of mountPointsBelow(this.root)) await run('umount', ['-l', mountPoint]);
    fs.rmSync(this.root, { recursive: true, force: true });
    removeCgroups(this.#cgroup);
    if (this.#options.ownNetns) await run('ip', ['netns', 'del', this.#netns ?? '']);
  }

  /** Sends `signal` to a daemon, if it runs, and waits for its end. */
  async end(daemon: Daemon, signal: NodeJS.Signals): Promise<void> {
    const child = this.#daemons.get(daemon);
    if (child) await endProcess(child, signal);
  }

  /** Starts containerd, also again, and waits until it answers. */
  async startContainerd(): Promise<void> {
    const config = path.join(this.root, 'containerd.toml');
    fs.writeFileSync(
      config,
      `version = 2
root = "${this.root}/containerd-root"
state = "${this.root}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${this.containerdAddress}"
[debug]
  address = "${this.root}/containerd-debug.sock"
`,
    );
    this.#spawn('containerd', ['--config', config]);
    await waitFor(
      'containerd to answer',
      async () => (await this.ctr(['version'])).status === 0,
      30_000,
    );
  }

  /** Starts dockerd, also again, and waits until it answers. */
  async startDockerd(): Promise<void> {
    const config = path.join(this.root, 'daemon.json');
    const { imagesInContainerd = false } = this.#options;
    const features = { 'containerd-snapshotter': imagesInContainerd };
    fs.writeFileSync(config, JSON.stringify(imagesInContainerd ? { features } : {}));
    const driver = imagesInContainerd ? 'overlayfs' : 'overlay2';
    this.#spawn('dockerd', [
      ...['--config-file', config, '--data-root', `${this.root}/docker-root`],
      ...['--exec-root', `${this.root}/docker-exec`, '--pidfile', `${this.root}/dockerd.pid`],
      ...['--cgroup-parent', `/${this.#cgroup}`],
      ...['-H', this.host, '--containerd', this.containerdAddress, '--storage-driver', driver],
      ...(this.#options.arguments ?? []),
    ]);
    await waitFor(
      'dockerd to answer',
      async () => (await this.docker(['version'])).status === 0,
      30_000,
    );
  }

  /** dockerd's own choice is shared by all dockerds of a machine. */
  get #cgroup(): string {
    return path.basename(this.root);
  }

  #spawn(name: Daemon, args: readonly string[]): void {
    const log = fs.openSync(path.join(this.root, `${name}.log`), 'a');
    const { prefix = [], shimFolders = [] } = this.#options;
    const netns = this.#netns;
    const enter = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'];
    const [file = name, ...rest] = [...enter, ...prefix, name, ...args];
    const searchPath = [...shimFolders, process.env['PATH'] ?? ''].join(':');
    this.#daemons.set(
      name,
      spawn(file, rest, { stdio: ['ignore', log, log], env: { ...process.env, PATH: searchPath } }),
    );
    fs.closeSync(log);
  }
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve();
    }),
  );
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(timer);
}

function mountPointsBelow(folder: string): string[] {
  return fs
    .readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((mountPoint) => mountPoint.startsWith(`${folder}/`))
    .reverse();
}
