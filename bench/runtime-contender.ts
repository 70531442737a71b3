/** An OCI runtime that is measured: by one process per command, or as a process that carries out one after the other. */
import fs from 'node:fs';
import path from 'node:path';
import { ServingRuntime } from '../integration-tests/runtime/serving-runtime.ts';
import { costOf, type Cost } from './process-cost.ts';

/** Runs verbs of the runtime `file` one process each, with a state folder of its own below `root`. */
export class ColdRuntime {
  readonly name: string;
  readonly #file: string;
  readonly #stateRoot: string;

  constructor(name: string, file: string, root: string) {
    this.name = name;
    this.#file = file;
    this.#stateRoot = path.join(root, name);
  }

  run(...args: string[]): Cost {
    return costOf(this.#file, ['--root', this.#stateRoot, ...args]);
  }
}

/** `runtime serve`, as the shim uses it. */
export class WarmRuntime {
  readonly #server: ServingRuntime;
  readonly #stateRoot: string;

  constructor(file: string, root: string) {
    this.#server = new ServingRuntime([file, 'serve', '--rehearse']);
    this.#stateRoot = path.join(root, 'warm');
  }

  /** Resolves to milliseconds. Throws unless the command exits 0. */
  async run(...args: string[]): Promise<number> {
    const started = performance.now();
    const exitCode = await this.#server.call({
      args: ['--root', this.#stateRoot, ...args],
      cwd: '/',
    });
    const milliseconds = performance.now() - started;
    if (exitCode !== 0)
      throw new Error(`"serve: ${args.join(' ')}" ended with ${exitCode ?? 'nothing'}`);
    return milliseconds;
  }

  end(): Promise<void> {
    return this.#server.end();
  }
}

/** The pid that a runtime has written for `create --pid-file`. */
export function readPid(file: string): number {
  return Number(fs.readFileSync(file, 'utf8'));
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Waits, in steps of a millisecond, until a container's process has ended; it may still be a zombie. */
export function waitUntilEnded(pid: number): void {
  while (isRunning(pid)) Atomics.wait(sleeper, 0, 0, 1);
}

function isRunning(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false; // reaped
  }
}
