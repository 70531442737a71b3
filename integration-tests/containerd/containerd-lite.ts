/** A containerd-lite of its own for a test file, with private folders, and the real `ctr` to talk to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import { run, runOk, type CommandResult } from '../harness/command.ts';
import { waitFor } from '../harness/wait.ts';

/** Less than a test may take: a call that hangs shall be named. */
const ctrTimeoutMs = 20_000;

export class ContainerdLite {
  /** Holds everything; removed by {@link remove}. */
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'containerd-lite-'));
  readonly address = path.join(this.folder, 'c.sock');
  /** Real shims of all daemons share one folder per namespace, so each daemon has a namespace of its own. */
  readonly namespace = `t${randomBytes(4).toString('hex')}`;
  readonly #configFlags: readonly string[] = [];
  #daemon: ChildProcess | undefined;

  /** `config` is the text of its configuration file. */
  constructor(config?: string) {
    if (config === undefined) return;
    const file = path.join(this.folder, 'config.toml');
    fs.writeFileSync(file, config);
    this.#configFlags = ['-c', file];
  }

  get logFile(): string {
    return path.join(this.folder, 'log');
  }

  get #ctrFlags(): string[] {
    return ['-a', this.address, '-n', this.namespace];
  }

  /** Flags of the daemon. */
  get arguments(): string[] {
    const { folder } = this;
    const folders = ['--root', `${folder}/root`, '--state', `${folder}/state`];
    return [...this.#configFlags, ...folders, '-a', this.address];
  }

  /** Starts the daemon, also again, and waits until it answers. */
  async start(): Promise<void> {
    const log = fs.openSync(this.logFile, 'a');
    const daemon = spawn(executablePath('containerd-lite'), [...this.arguments, '-l', 'debug'], {
      stdio: ['ignore', log, log],
    });
    fs.closeSync(log);
    this.#daemon = daemon;
    await waitFor('containerd-lite to answer', async () => {
      if (daemon.exitCode !== null) {
        throw new Error(`containerd-lite ended: ${fs.readFileSync(this.logFile, 'utf8')}`);
      }
      return fs.existsSync(this.address) && (await this.ctr('version')).status === 0;
    });
  }

  /** Sends `signal` and waits for the end. Returns the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return null;
    const ended = new Promise<number | null>((resolve) => daemon.once('exit', resolve));
    daemon.kill(signal);
    return ended;
  }

  ctr(...args: string[]): Promise<CommandResult> {
    return run('ctr', [...this.#ctrFlags, ...args], { timeoutMs: ctrTimeoutMs });
  }

  /** ctr; an error with its output unless it ends with 0. Returns what it printed, trimmed. */
  async ctrOk(...args: string[]): Promise<string> {
    return (
      await runOk('ctr', [...this.#ctrFlags, ...args], { timeoutMs: ctrTimeoutMs })
    ).stdout.trim();
  }

  /** `RUNNING`, `STOPPED`, …; undefined without a task. */
  async taskStatus(id: string): Promise<string | undefined> {
    const tasks = await this.ctrOk('tasks', 'ls');
    return tasks
      .split('\n')
      .map((line) => line.split(/\s+/))
      .find(([name]) => name === id)?.[2];
  }

  /** Pid of the task of a container. */
  async taskPid(id: string): Promise<number> {
    return Number(new RegExp(`^${id} +(\\d+)`, 'm').exec(await this.ctrOk('tasks', 'ls'))?.[1]);
  }

  /** Pid of the shim of a container: whoever supervises a task is its parent. */
  async shimPid(id: string): Promise<number> {
    const status = fs.readFileSync(`/proc/${await this.taskPid(id)}/status`, 'utf8');
    return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]);
  }

  /** Pid of the daemon. */
  get pid(): number {
    const pid = this.#daemon?.pid;
    if (pid === undefined) throw new Error('containerd-lite is not running');
    return pid;
  }

  /** What is left of tasks and active snapshots on disk. */
  leftovers(): string[] {
    const below = (folder: string) => {
      const root = path.join(this.folder, folder);
      if (!fs.existsSync(root)) return [];
      return fs
        .readdirSync(root)
        .flatMap((namespace) =>
          fs.readdirSync(path.join(root, namespace)).map((id) => `${folder}/${namespace}/${id}`),
        );
    };
    const mounts = fs
      .readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`${this.folder}/`));
    return [
      ...below('state/io.containerd.runtime.v2.task'),
      ...below('root/io.containerd.runtime.v2.task'),
      ...mounts,
    ];
  }

  /** Ends the daemon and removes its folder. */
  async remove(): Promise<void> {
    const tasks = await this.ctr('tasks', 'ls', '-q').catch(() => undefined);
    for (const id of tasks?.stdout.split('\n').filter((line) => line !== '') ?? []) {
      await this.ctr('tasks', 'rm', '--force', id); // of a test that failed half-way
    }
    await this.end('SIGTERM');
    this.#removeCgroups();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** ctr puts containers below a cgroup named by their namespace, which nobody removes. */
  #removeCgroups(): void {
    for (const hierarchy of fs.readdirSync('/sys/fs/cgroup')) {
      const folder = path.join('/sys/fs/cgroup', hierarchy, this.namespace);
      if (fs.existsSync(folder)) fs.rmdirSync(folder);
    }
  }
}
