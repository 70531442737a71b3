/** containerd's own ctr: it makes FIFOs, snapshots and config.json itself, so it sees every call of seam 2. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { jsonTypes, packJson } from '#proto/any';
import { ContainerdClient } from '#proto/containerd-client';
import { removeCgroups } from '../harness/cgroups.ts';
import { run, runOk, type CommandResult } from '../harness/command.ts';
import { waitFor } from '../harness/wait.ts';
import type {
  Ability,
  Bind,
  ContainerState,
  RunOptions,
  RuntimeClient,
} from './container-client.ts';

export interface CtrClientOptions {
  /** containerd's socket. */
  address: string;
  image: string;
  /** Options of `run`: the shim and the runtime. */
  runFlags?: readonly string[];
  /** What the daemon has below these is its containers'. */
  folders?: readonly string[];
}

/** Less than a test may take: a call that hangs shall be named. */
const timeoutMs = 30_000;
const idMap = '0:100000:65536';
const states: Readonly<Record<string, ContainerState>> = {
  RUNNING: 'running',
  PAUSED: 'paused',
  STOPPED: 'stopped',
};

export class CtrClient implements RuntimeClient {
  readonly abilities: ReadonlySet<Ability> = new Set<Ability>([
    'attach',
    'attach status',
    'logs',
    'pause',
    'restart',
    'stop',
  ]);
  /** ctr knows two exit codes of its own: 0 and 1. */
  readonly failureStatus = { notFound: 1, notExecutable: 1 };
  /** Shims of all daemons share one folder per namespace, so each client has one of its own. */
  readonly namespace = `t${randomBytes(4).toString('hex')}`;
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ctr-'));
  readonly #options: CtrClientOptions;
  #execs = 0;

  constructor(options: CtrClientOptions) {
    this.#options = options;
  }

  /** Pulls the image into the client's namespace over plain HTTP. */
  async pull(): Promise<void> {
    await this.ok('images', 'pull', '--plain-http', this.#options.image);
  }

  runCommand(name: string, options: RunOptions, command: readonly string[]): string[] {
    const { detached = false, keep = detached, binds = [] } = options;
    return this.#argv(
      ...['run', ...(this.#options.runFlags ?? []), '--fifo-dir', this.#folder],
      ...(detached ? ['-d'] : []),
      ...(detached && !options.stdin ? ['--log-uri', `file://${this.#logFile(name)}`] : []),
      ...(keep ? [] : ['--rm']),
      ...(options.terminal ? ['-t'] : []),
      ...(options.memoryBytes === undefined ? [] : ['--memory-limit', `${options.memoryBytes}`]),
      ...(options.readOnlyRoot ? ['--read-only'] : []),
      ...(options.userNamespace ? ['--uidmap', idMap, '--gidmap', idMap] : []),
      ...binds.flatMap((bind) => ['--mount', mountText(bind)]),
      ...[this.#options.image, name, ...command],
    );
  }

  execCommand(
    name: string,
    { terminal }: Pick<RunOptions, 'stdin' | 'terminal'>,
    command: readonly string[],
  ): string[] {
    const id = `exec${++this.#execs}`;
    const flags = ['--fifo-dir', this.#folder, ...(terminal ? ['-t'] : [])];
    return this.#argv('tasks', 'exec', ...flags, '--exec-id', id, name, ...command);
  }

  attachCommand(name: string): string[] {
    return this.#argv('tasks', 'attach', name);
  }

  async state(name: string): Promise<ContainerState | undefined> {
    const line = (await this.ok('tasks', 'ls'))
      .split('\n')
      .map((text) => text.split(/\s+/))
      .find(([id]) => id === name);
    return states[line?.[2] ?? ''];
  }

  async logs(name: string): Promise<{ stdout: string; stderr: string }> {
    const file = this.#logFile(name);
    return { stdout: fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '', stderr: '' };
  }

  /** Deletes the task as well: the only moment at which ctr tells how it ended, in a warning. */
  async exitCode(name: string): Promise<number> {
    await waitFor(`the end of ${name}`, async () => (await this.state(name)) === 'stopped');
    const { status, stderr } = await this.run('tasks', 'rm', name);
    if (status !== 0) throw new Error(`ctr tasks rm ${name}: ${stderr}`);
    return Number(/non-zero exit code (\d+)/.exec(stderr)?.[1] ?? 0);
  }

  async kill(name: string, signal: string): Promise<void> {
    await this.ok('tasks', 'kill', '-s', `SIG${signal}`, name);
  }

  async pause(name: string): Promise<void> {
    await this.ok('tasks', 'pause', name);
  }

  async resume(name: string): Promise<void> {
    await this.ok('tasks', 'resume', name);
  }

  oomKilled(): Promise<boolean> {
    return hasNone('oom report');
  }

  /** As CRI does it: ctr has one signal at a time. */
  async stop(name: string, graceSeconds: number): Promise<void> {
    const isStopped = async () => (await this.state(name)) === 'stopped';
    await this.kill(name, 'TERM');
    await waitFor(`the end of ${name}`, isStopped, graceSeconds * 1000).catch(() =>
      this.kill(name, 'KILL'),
    );
    await waitFor(`the end of ${name}`, isStopped);
  }

  /** A new task of the same container. */
  async restart(name: string): Promise<void> {
    await this.kill(name, 'KILL');
    await this.exitCode(name);
    await this.ok('tasks', 'start', '-d', '--log-uri', `file://${this.#logFile(name)}`, name);
  }

  /** ctr has no word for it: by containerd's API. */
  async updateMemory(name: string, memoryBytes: number): Promise<void> {
    const { namespace } = this;
    const client = new ContainerdClient(this.#options.address, { namespace });
    try {
      const resources = packJson(jsonTypes.linuxResources, { memory: { limit: memoryBytes } });
      await client.tasks.update({ containerId: name, resources });
    } finally {
      client.close();
    }
  }

  isHealthy(): Promise<undefined> {
    return hasNone('health checks');
  }

  removeVolume(): Promise<void> {
    return hasNone('volumes');
  }

  async remove(name: string): Promise<void> {
    if ((await this.state(name)) !== undefined) await this.run('tasks', 'rm', '--force', name);
    await this.ok('containers', 'rm', name);
  }

  marks(): readonly string[] {
    return [`/${this.namespace}/`, this.#folder, ...(this.#options.folders ?? [])];
  }

  /** Removes the client's files, and the cgroups named by its namespace, which nobody else removes. */
  async close(): Promise<void> {
    removeCgroups(this.namespace);
    fs.rmSync(this.#folder, { recursive: true });
  }

  run(...args: string[]): Promise<CommandResult> {
    const [file = '', ...rest] = this.#argv(...args);
    return run(file, rest, { timeoutMs });
  }

  /** What it printed, trimmed; an error unless it ends with 0. */
  async ok(...args: string[]): Promise<string> {
    const [file = '', ...rest] = this.#argv(...args);
    return (await runOk(file, rest, { timeoutMs })).stdout.trim();
  }

  #argv(...args: string[]): string[] {
    return ['ctr', '-a', this.#options.address, '-n', this.namespace, ...args];
  }

  #logFile(name: string): string {
    return path.join(this.#folder, `${name}.log`);
  }
}

function hasNone(ability: Ability): Promise<never> {
  return Promise.reject(new Error(`ctr has no ${ability}`));
}

function mountText({ source, target, readOnly }: Bind): string {
  return `type=bind,src=${source},dst=${target},options=rbind:${readOnly ? 'ro' : 'rw'}`;
}
