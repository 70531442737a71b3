/** A whole stack of ours (engined, and the containerd-lite that it starts) in a temporary root, beside any other. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import { run, runOk, type CommandOptions, type CommandResult } from './command.ts';
import { findPeer } from './peers.ts';
import { waitFor } from './wait.ts';

export interface StackOptions {
  /** Further arguments of engined, e.g. `--containerd`. */
  arguments?: readonly string[];
  /** Registries spoken to over plain HTTP. */
  insecureRegistries?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Without debug messages, as daemons usually run: for measuring. */
  quiet?: boolean;
  /** Name of a network namespace (`ip netns`) to run in; the machine's own without it. */
  netns?: string;
  /** A command that runs engined, e.g. nsenter(1) with its options. */
  prefix?: readonly string[];
}

export class Stack {
  /** Holds everything the stack writes; removed by {@link stop}. */
  readonly root: string;
  /** `unix:///…`: what docker calls DOCKER_HOST. */
  readonly host: string;
  /** At most 15 characters, as link names must be. */
  readonly bridge: string;
  readonly #options: StackOptions;
  #engined: ChildProcess | undefined;

  private constructor(options: StackOptions) {
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'stack-'));
    this.host = `unix://${this.root}/engine.sock`;
    this.bridge = `t${randomBytes(4).toString('hex')}`;
    this.#options = options;
  }

  /** Starts engined and waits until it answers. */
  static async start(options: StackOptions = {}): Promise<Stack> {
    const stack = new Stack(options);
    try {
      await stack.startEngined();
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  /** Where everything the daemons say goes. */
  get logFile(): string {
    return path.join(this.root, 'engined.log');
  }

  get enginedPid(): number {
    const pid = this.#engined?.pid;
    if (pid === undefined) throw new Error('engined is not running');
    return pid;
  }

  /** Starts engined (again) on the same root. */
  async startEngined(): Promise<void> {
    const log = fs.openSync(this.logFile, 'a');
    const { netns, prefix } = this.#options;
    const engined = executablePath('engined');
    const enter = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'];
    const command = [...enter, ...(prefix ?? []), engined];
    const child = spawn(
      command[0] ?? engined,
      [
        ...command.slice(1),
        ...['-H', this.host, '--data-root', path.join(this.root, 'data')],
        ...['--exec-root', path.join(this.root, 'run'), '--pidfile', path.join(this.root, 'pid')],
        ...['--bridge', this.bridge, ...(this.#options.quiet ? [] : ['--debug'])],
        ...(this.#options.insecureRegistries ?? []).flatMap((name) => [
          '--insecure-registry',
          name,
        ]),
        ...(this.#options.arguments ?? []),
      ],
      { stdio: ['ignore', log, log], env: { ...process.env, ...this.#options.env } },
    );
    fs.closeSync(log);
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    this.#engined = child;
    await waitFor(
      'engined to answer',
      async () => {
        if (failure) throw failure;
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(
            `engined ended at once: ${fs.readFileSync(this.logFile, 'utf8').slice(-3000)}`,
          );
        }
        return (await this.engine('version').catch(() => undefined))?.status === 0;
      },
      30_000,
    );
  }

  /** Runs our CLI against this stack. */
  engine(...args: string[]): Promise<CommandResult> {
    return run(executablePath('engine'), args, { env: { ENGINE_HOST: this.host } });
  }

  /** {@link engine} with input, environment or a time limit. */
  engineWith(options: CommandOptions, ...args: string[]): Promise<CommandResult> {
    return run(executablePath('engine'), args, {
      ...options,
      env: { ...options.env, ENGINE_HOST: this.host },
    });
  }

  /** Our CLI; an error with its output unless it ends with 0. Returns what it printed, trimmed. */
  async engineOk(...args: string[]): Promise<string> {
    const result = await runOk(executablePath('engine'), args, { env: { ENGINE_HOST: this.host } });
    return result.stdout.trim();
  }

  /** Runs the real docker CLI against this stack. */
  docker(...args: string[]): Promise<CommandResult> {
    return this.dockerWith({}, ...args);
  }

  /** {@link docker} with input, environment or a time limit. */
  dockerWith(options: CommandOptions, ...args: string[]): Promise<CommandResult> {
    const docker = findPeer('docker');
    if (docker === undefined) throw new Error('the docker CLI is not installed');
    return run(docker, ['-H', this.host, ...args], options);
  }

  /** Socket of the containerd-lite that engined keeps. */
  get containerdAddress(): string {
    return path.join(this.root, 'run/containerd-lite/containerd-lite.sock');
  }

  /** pid of the containerd-lite that engined keeps, from its pid file. */
  get containerdPid(): number {
    const file = path.join(this.root, 'run/containerd-lite/containerd-lite.pid');
    // engined wrote it: pid and start time, by which it knows the process again.
    return (JSON.parse(fs.readFileSync(file, 'utf8')) as { pid: number }).pid;
  }

  /** Sends `signal` to engined and waits for its end. */
  async endEngined(signal: NodeJS.Signals): Promise<void> {
    const child = this.#engined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) =>
      child.once('exit', () => {
        resolve();
      }),
    );
    child.kill(signal);
    await ended;
  }

  /** Removes all containers, ends the daemons and removes the root. */
  async stop(): Promise<void> {
    const listed = await this.engine('ps', '-aq').catch(() => undefined);
    const ids = listed?.status === 0 ? listed.stdout.split('\n').filter(Boolean) : [];
    if (ids.length > 0) await this.engine('rm', '-f', ...ids);
    await this.endEngined('SIGTERM');
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
