/** docker, engine and podman: three programs, one grammar. */
import { run, runOk, type CommandResult } from '../harness/command.ts';
import type {
  Ability,
  Bind,
  ContainerClient,
  ContainerState,
  RunOptions,
} from './container-client.ts';

export interface DockerClientOptions {
  /** The program and its global options. */
  command: readonly string[];
  image: string;
  /** Further options of `run`. */
  runFlags?: readonly string[];
  /** What this client, or the daemon behind it, does not do. */
  lacks?: readonly Ability[];
  /** What the daemon has below these is its containers'. */
  folders?: readonly string[];
}

const all: readonly Ability[] = [
  'attach',
  'attach status',
  'logs',
  'oom report',
  'pause',
  'pids limit',
  'restart',
  'separate log streams',
  'stop',
  'volumes',
];

export class DockerClient implements ContainerClient {
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
