/** docker, engine and podman: three programs, one grammar. */
import { run, runOk, type CommandResult } from '../harness/command.ts';
import type {
  Ability,
  Bind,
  ContainerState,
  RunOptions,
  RuntimeClient,
} from './container-client.ts';

export interface DockerClientOptions {
  /** The program and its global options. */
  command: readonly string[];
  image: string;
  /** Further options of `run`. */
  runFlags?: readonly string[];
  /** Options of `run` for a user namespace, where not the whole daemon has one. */
  userNamespaceFlags?: readonly string[];
  /** Whether a daemon looks after the container's health, or somebody has to ask. */
  health?: 'daemon' | 'command';
  /** What this client, or the daemon behind it, does not do. */
  lacks?: readonly Ability[];
  /** What the daemon has below these is its containers'. */
  folders?: readonly string[];
}

const all: readonly Ability[] = [
  'attach',
  'attach status',
  'health checks',
  'logs',
  'oom report',
  'pause',
  'pids limit',
  'restart',
  'separate log streams',
  'stop',
  'volumes',
];

export class DockerClient implements RuntimeClient {
  readonly abilities: ReadonlySet<Ability>;
  readonly failureStatus = { notFound: 127, notExecutable: 126 };
  readonly #options: DockerClientOptions;
  readonly #ids: string[] = [];

  constructor(options: DockerClientOptions) {
    this.#options = options;
    this.abilities = new Set(all.filter((ability) => !options.lacks?.includes(ability)));
  }

  runCommand(name: string, options: RunOptions, command: readonly string[]): string[] {
    const { detached = false, keep = detached, binds = [] } = options;
    return this.#argv(
      ...['run', '--name', name, ...(this.#options.runFlags ?? [])],
      ...(detached ? ['-d'] : []),
      ...(keep ? [] : ['--rm']),
      ...streamFlags(options),
      ...(options.memoryBytes === undefined
        ? []
        : ['--memory', `${options.memoryBytes}`, '--memory-swap', `${options.memoryBytes}`]),
      ...(options.pids === undefined ? [] : ['--pids-limit', `${options.pids}`]),
      ...(options.readOnlyRoot ? ['--read-only'] : []),
      ...(options.userNamespace ? (this.#options.userNamespaceFlags ?? []) : []),
      ...(options.healthCommand === undefined ? [] : this.#healthFlags(options.healthCommand)),
      ...binds.flatMap((bind) => ['-v', bindText(bind)]),
      ...[this.#options.image, ...command],
    );
  }

  execCommand(
    name: string,
    options: Pick<RunOptions, 'stdin' | 'terminal'>,
    command: readonly string[],
  ): string[] {
    return this.#argv('exec', ...streamFlags(options), name, ...command);
  }

  attachCommand(name: string): string[] {
    return this.#argv('attach', '--no-stdin', name);
  }

  async state(name: string): Promise<ContainerState | undefined> {
    const { status, stdout } = await this.#run('inspect', '-f', '{{.State.Status}}', name);
    if (status !== 0) return undefined;
    const state = stdout.trim();
    if (state === 'running' || state === 'paused') return state;
    return state === 'exited' ? 'stopped' : undefined;
  }

  async logs(name: string): Promise<CommandResult> {
    return this.#run('logs', name);
  }

  async exitCode(name: string): Promise<number> {
    return Number((await this.#ok('wait', name)).trim());
  }

  async oomKilled(name: string): Promise<boolean> {
    return (await this.#ok('inspect', '-f', '{{.State.OOMKilled}}', name)).trim() === 'true';
  }

  async updateMemory(name: string, memoryBytes: number): Promise<void> {
    await this.#ok('update', '--memory', `${memoryBytes}`, '--memory-swap', `${memoryBytes}`, name);
  }

  async isHealthy(name: string): Promise<boolean | undefined> {
    if (this.#options.health === 'command') {
      return (await this.#run('healthcheck', 'run', name)).status === 0;
    }
    const status = (await this.#ok('inspect', '-f', '{{.State.Health.Status}}', name)).trim();
    return status === 'starting' ? undefined : status === 'healthy';
  }

  async kill(name: string, signal: string): Promise<void> {
    await this.#ok('kill', '-s', signal, name);
  }

  async pause(name: string): Promise<void> {
    await this.#ok('pause', name);
  }

  async resume(name: string): Promise<void> {
    await this.#ok('unpause', name);
  }

  async stop(name: string, graceSeconds: number): Promise<void> {
    await this.#ok('stop', '-t', `${graceSeconds}`, name);
  }

  async restart(name: string): Promise<void> {
    await this.#ok('restart', '-t', '0', name);
  }

  async removeVolume(name: string): Promise<void> {
    await this.#ok('volume', 'rm', name);
  }

  async remove(name: string): Promise<void> {
    this.#ids.push((await this.#ok('inspect', '-f', '{{.Id}}', name)).trim());
    await this.#ok('rm', '-f', '-v', name);
  }

  marks(): readonly string[] {
    return [...(this.#options.folders ?? []), ...this.#ids];
  }

  #healthFlags(command: string): string[] {
    const interval = this.#options.health === 'command' ? 'disable' : '500ms';
    return ['--health-cmd', command, '--health-interval', interval, '--health-retries', '1'];
  }

  #argv(...args: string[]): string[] {
    return [...this.#options.command, ...args];
  }

  #run(...args: string[]): Promise<CommandResult> {
    const [file = '', ...rest] = this.#argv(...args);
    return run(file, rest);
  }

  async #ok(...args: string[]): Promise<string> {
    const [file = '', ...rest] = this.#argv(...args);
    return (await runOk(file, rest)).stdout;
  }
}

function streamFlags({ stdin, terminal }: Pick<RunOptions, 'stdin' | 'terminal'>): string[] {
  return [...(stdin || terminal ? ['-i'] : []), ...(terminal ? ['-t'] : [])];
}

function bindText({ source, target, readOnly }: Bind): string {
  return `${source}:${target}${readOnly ? ':ro' : ''}`;
}
