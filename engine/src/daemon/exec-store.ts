/** Exec instances. They live in memory only: an exec does not outlive the engine's knowledge of who asked for it. */
import type { Socket } from 'node:net';
import { StackError } from '#spec/errors';
import type { TaskOutput } from './output.ts';

export interface ExecConfig {
  attachStdin: boolean;
  attachStdout: boolean;
  attachStderr: boolean;
  tty: boolean;
  privileged: boolean;
  /** Empty is the container's own. */
  user: string;
  env: string[];
  command: string[];
  /** Empty is the container's own. */
  workingDir: string;
  detachKeys: string;
  consoleSize: [height: number, width: number] | undefined;
}

export interface Exec {
  readonly id: string;
  readonly containerId: string;
  readonly config: ExecConfig;
  state: 'created' | 'running' | 'exited';
  /** Set by the first report of its end, so that a second one is dropped. */
  isEnding: boolean;
  pid: number;
  /** null until it ended. */
  exitCode: number | null;
  output: TaskOutput | undefined;
  stdin: Socket | undefined;
  /** Resolves when its process runs, or is over. */
  readonly started: Promise<void>;
  readonly hasStarted: () => void;
  /** Called once when it ended. */
  readonly onExit: Set<() => void>;
}

export class ExecStore {
  readonly #execs = new Map<string, Exec>();

  add(id: string, containerId: string, config: ExecConfig): Exec {
    let hasStarted: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (hasStarted = resolve));
    const exec: Exec = {
      id,
      containerId,
      config,
      state: 'created',
      isEnding: false,
      pid: 0,
      exitCode: null,
      output: undefined,
      stdin: undefined,
      started,
      hasStarted,
      onExit: new Set(),
    };
    this.#execs.set(id, exec);
    return exec;
  }

  /** Throws not_found in docker's words. */
  get(id: string): Exec {
    const exec = this.#execs.get(id);
    if (!exec) throw new StackError('not_found', `No such exec instance: ${id}`);
    return exec;
  }

  find(id: string): Exec | undefined {
    return this.#execs.get(id);
  }

  /** Those whose process was started and has not been reported as ended. */
  running(): Exec[] {
    return [...this.#execs.values()].filter(({ state, pid }) => state === 'running' && pid !== 0);
  }

  forget(id: string): void {
    this.#execs.delete(id);
  }

  /** Its container's end is its own. */
  endWithContainer(id: string): void {
    const exec = this.#execs.get(id);
    if (exec?.state === 'running') this.end(exec, 137);
  }

  /** Marks an exec as ended, once. */
  end(exec: Exec, exitCode: number): void {
    if (exec.state === 'exited') return;
    exec.state = 'exited';
    exec.exitCode = exitCode;
    exec.pid = 0;
    exec.hasStarted();
    for (const listener of exec.onExit) listener();
    exec.onExit.clear();
  }
}
