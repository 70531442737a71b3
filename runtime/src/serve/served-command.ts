/** One command line that another process has asked for, carried out as in a process of its own. */
import fs from 'node:fs';
import { dup2 } from '#lib/sys/descriptor';
import { StackError } from '#spec/errors';

export interface ServedRequest {
  /** The command line, global flags included. */
  args: string[];
  /** Working directory: what relative paths start from. */
  cwd: string;
  /** Paths of stdin, stdout and stderr. */
  stdio: [string, string, string];
}

/** Carries out a command line and returns its exit code; does not throw. */
export type RunCommandLine = (args: readonly string[]) => Promise<number>;

export class ServedCommands {
  readonly #run: RunCommandLine;
  readonly #nothing = fs.openSync('/dev/null', 'r+');

  constructor(run: RunCommandLine) {
    this.#run = run;
  }

  /** Returns the exit code. Throws where stdio or the working directory cannot be had. */
  async carryOut({ args, cwd, stdio }: ServedRequest): Promise<number> {
    try {
      process.chdir(cwd);
      openStdio(stdio);
      return await this.#run(args);
    } finally {
      for (const fd of [0, 1, 2]) dup2(this.#nothing, fd);
    }
  }
}

/** Throws invalid_argument for what is no request. */
export function parseRequest(line: string): ServedRequest {
  const { args, cwd, stdio } = JSON.parse(line) as Partial<Record<keyof ServedRequest, unknown>>;
  if (!isTexts(args) || !isTexts(stdio) || stdio.length !== 3 || typeof cwd !== 'string') {
    throw new StackError('invalid_argument', `invalid request: ${line}`);
  }
  return { args, cwd, stdio: stdio as ServedRequest['stdio'] };
}

/** What the first requests would wait for. */
export async function loadCommands(): Promise<void> {
  await Promise.all([
    import('../commands/create.ts'),
    import('../commands/start.ts'),
    import('../commands/delete.ts'),
  ]);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}

/** Descriptors for the container block, as pipes do; whoever sent the request holds the other ends. */
function openStdio(paths: ServedRequest['stdio']): void {
  paths.forEach((file, number) => {
    const { O_RDONLY, O_WRONLY } = fs.constants;
    const fd = fs.openSync(file, number === 0 ? O_RDONLY : O_WRONLY);
    dup2(fd, number);
    fs.closeSync(fd);
  });
}
