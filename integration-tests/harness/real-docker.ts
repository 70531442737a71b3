/** The real containerd and dockerd from Debian packages, with private state below a temporary root. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, runOk, type CommandOptions, type CommandResult } from './command.ts';
import { waitFor } from './wait.ts';

export interface RealDockerOptions {
  /** Name of a network namespace (`ip netns`) to run in; the machine's own without it. */
  netns?: string;
  /** Further arguments of dockerd. */
  arguments?: readonly string[];
  /** Start containerd only. */
  containerdOnly?: boolean;
  /** Folders put in front of containerd's PATH, where it looks for shims. */
  shimFolders?: readonly string[];
}

export class RealDocker {
  readonly root: string;
  readonly #options: RealDockerOptions;
  readonly #daemons: ChildProcess[] = [];

  private constructor(options: RealDockerOptions) {
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'docker-'));
    this.#options = options;
  }

  /** Starts containerd, then dockerd, and waits until both answer. */
  static async start(options: RealDockerOptions = {}): Promise<RealDocker> {
    const docker = new RealDocker(options);
    try {
      await docker.#startContainerd();
      if (!options.containerdOnly) await docker.#startDockerd();
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

  /** Path of containerd's gRPC socket. */
  get containerdAddress(): string {
    return path.join(this.root, 'containerd.sock');
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
    for (const daemon of this.#daemons.reverse()) await endProcess(daemon);
    for (const mountPoint of mountPointsBelow(this.root)) await run('umount', ['-l', mountPoint]);
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  async #startContainerd(): Promise<void> {
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

  async #startDockerd(): Promise<void> {
    const config = path.join(this.root, 'daemon.json');
    fs.writeFileSync(config, '{}');
    this.#spawn('dockerd', [
      ...['--config-file', config, '--data-root', `${this.root}/docker-root`],
      ...['--exec-root', `${this.root}/docker-exec`, '--pidfile', `${this.root}/dockerd.pid`],
      ...['-H', this.host, '--containerd', this.containerdAddress, '--storage-driver', 'overlay2'],
      ...(this.#options.arguments ?? []),
    ]);
    await waitFor(
      'dockerd to answer',
      async () => (await this.docker(['version'])).status === 0,
      30_000,
    );
  }

  #spawn(name: string, args: readonly string[]): void {
    const log = fs.openSync(path.join(this.root, `${name}.log`), 'a');
    const { netns, shimFolders = [] } = this.#options;
    const prefix = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'];
    const [file = name, ...rest] = [...prefix, name, ...args];
    const searchPath = [...shimFolders, process.env['PATH'] ?? ''].join(':');
    this.#daemons.push(
      spawn(file, rest, { stdio: ['ignore', log, log], env: { ...process.env, PATH: searchPath } }),
    );
    fs.closeSync(log);
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve();
    }),
  );
  child.kill('SIGTERM');
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
