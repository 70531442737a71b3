/** The two command lines that must behave alike on our socket: `engine` and the real docker. */
import { executablePath } from '#lib/installation/installation';
import type { Context } from 'mocha';
import { run, type CommandOptions, type CommandResult } from './command.ts';
import { needPeers } from './peers.ts';
import type { Stack } from './stack.ts';

export interface Client {
  /** `engine` or `docker`. */
  readonly name: string;
  /** Runs one command against `stack`. */
  run(stack: Stack, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The same as a shell command line, for tests that need a terminal. */
  commandLine(stack: Stack, args: readonly string[]): string;
  /** Skips the calling test where the client is missing. */
  need(context: Context): void;
}

const engine = executablePath('engine');

export const clients: readonly Client[] = [
  {
    name: 'engine',
    run: (stack, args, options) => run(engine, ['-H', stack.host, ...args], options),
    commandLine: (stack, args) => [engine, '-H', stack.host, ...args.map(quote)].join(' '),
    need: () => undefined,
  },
  {
    name: 'docker',
    run: (stack, args, options) => run('docker', ['-H', stack.host, ...args], options),
    commandLine: (stack, args) => ['docker', '-H', stack.host, ...args.map(quote)].join(' '),
    need: (context) => void needPeers(context, 'docker'),
  },
];

/** One shell word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
