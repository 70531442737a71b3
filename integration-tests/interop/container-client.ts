/** What the lifecycle suite asks of a command line, whichever of docker, engine, podman and ctr it is. */
import type { CommandResult } from '../harness/command.ts';

/** What not every client, or not every daemon behind it, can do. */
export type Ability =
  | 'attach'
  | 'attach status'
  | 'health checks'
  | 'logs'
  | 'oom report'
  | 'pause'
  | 'pids limit'
  | 'restart'
  | 'separate log streams'
  | 'stop'
  | 'volumes';

export interface RunOptions {
  detached?: boolean;
  /** The container is not removed when it ends. A detached one never is. */
  keep?: boolean;
  stdin?: boolean;
  terminal?: boolean;
  memoryBytes?: number;
  pids?: number;
  readOnlyRoot?: boolean;
  binds?: readonly Bind[];
  /** Ids 0 to 65535 are 100000 to 165535 of the host. */
  userNamespace?: boolean;
  /** A shell command by which the container's health is told. */
  healthCommand?: string;
}

export interface Bind {
  /** Folder of the host, or the name of a volume. */
  source: string;
  target: string;
  readOnly?: boolean;
}

export type ContainerState = 'running' | 'paused' | 'stopped';

/** What the cells of an OCI runtime ask in addition. */
export interface RuntimeClient extends ContainerClient {
  /** Gives a running container another limit. */
  updateMemory(name: string, memoryBytes: number): Promise<void>;
  /** What the container's health command says; undefined before its first answer, and for a client without any. */
  isHealthy(name: string): Promise<boolean | undefined>;
}

/**
 * Commands come as argv, so that a test can run them with input, in a terminal, or in the background. The image is the
 * client's: a busybox.
 */
export interface ContainerClient {
  readonly abilities: ReadonlySet<Ability>;
  /** How `run` ends when the command is missing, and when it is not executable. */
  readonly failureStatus: { notFound: number; notExecutable: number };
  runCommand(name: string, options: RunOptions, command: readonly string[]): string[];
  execCommand(
    name: string,
    options: Pick<RunOptions, 'stdin' | 'terminal'>,
    command: readonly string[],
  ): string[];
  attachCommand(name: string): string[];
  /** Of a container that exists; undefined without a task. */
  state(name: string): Promise<ContainerState | undefined>;
  /** What a kept container printed so far. */
  logs(name: string): Promise<Pick<CommandResult, 'stdout' | 'stderr'>>;
  /** Waits for the end of a kept container. */
  exitCode(name: string): Promise<number>;
  /** Whether the kernel's OOM killer was seen. */
  oomKilled(name: string): Promise<boolean>;
  /** `signal` as `TERM`. */
  kill(name: string, signal: string): Promise<void>;
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  stop(name: string, graceSeconds: number): Promise<void>;
  restart(name: string): Promise<void>;
  removeVolume(name: string): Promise<void>;
  /** Removes a kept container, running or not. */
  remove(name: string): Promise<void>;
  /** Ids and folders by which anything that a container left behind is known. */
  marks(): readonly string[];
}
