/** Runs a program to its end and says everything a user would see. */
import { spawn } from 'node:child_process';
import { expect } from 'chai';
import { StackError } from '#spec/errors';

export interface CommandResult {
  /** Exit code; 128 + signal number is left to shells: a signal is in `signal`. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  durationMs: number;
}

export interface CommandOptions {
  input?: string | Uint8Array;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** The program is killed after this; a test that hangs must say where. */
  timeoutMs?: number;
  /** Called with all of stdout so far, whenever there is more. */
  onStdout?: (text: string) => void;
}

/** Runs `file` with `args`; never throws for a non-zero exit. Rejects when it cannot be started or takes too long. */
export async function run(
  file: string,
  args: readonly string[],
  { input, env, cwd, timeoutMs = 60_000, onStdout }: CommandOptions = {},
): Promise<CommandResult> {
  const started = performance.now();
  const child = spawn(file, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(env && { env: { ...process.env, ...env } }),
    ...(cwd !== undefined && { cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    onStdout?.(Buffer.concat(stdout).toString());
  });
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  if (input !== undefined) {
    child.stdin?.on('error', () => undefined); // the program need not read all of it
    child.stdin?.end(input);
  }
  const limit = AbortSignal.timeout(timeoutMs);
  const stopAtLimit = (): void => void child.kill('SIGKILL');
  limit.addEventListener('abort', stopAtLimit);
  try {
    const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code, name) => {
          resolve([code, name]);
        });
      },
    );
    const result = {
      status,
      signal,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
      durationMs: performance.now() - started,
    };
    if (limit.aborted) {
      throw new StackError(
        'deadline_exceeded',
        `"${[file, ...args].join(' ')}" did not end within ${timeoutMs} ms: ${result.stdout}${result.stderr}`,
      );
    }
    return result;
  } finally {
    limit.removeEventListener('abort', stopAtLimit);
  }
}

/** {@link run}, and an error with the whole output unless the exit code is 0. */
export async function runOk(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await run(file, args, options);
  if (result.status !== 0) {
    throw new StackError(
      'internal',
      `"${[file, ...args].join(' ')}" ended with ${result.status ?? String(result.signal)}: ${result.stdout}${result.stderr}`,
    );
  }
  return result;
}

/** A command line as tests use it: `ok` gives what it prints, trimmed, `fails` what it says on stderr; else the test fails. */
export function checked(run: (...args: string[]) => Promise<CommandResult>): {
  ok: (...args: string[]) => Promise<string>;
  fails: (...args: string[]) => Promise<string>;
} {
  return {
    async ok(...args) {
      const { stdout, stderr, status } = await run(...args);
      expect(status, `${args.join(' ')}: ${stderr}`).to.equal(0);
      return stdout.trim();
    },
    async fails(...args) {
      const { stderr, status } = await run(...args);
      expect(status, args.join(' ')).to.not.equal(0);
      return stderr;
    },
  };
}
