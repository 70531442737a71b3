/** What tests of container options share: docker's command line on the shared stack, and one image. */
import { checked, type CommandOptions, type CommandResult } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';

export interface OptionFixture {
  stack: Stack;
  busybox: string;
  docker(...args: string[]): Promise<CommandResult>;
  /** What it prints, trimmed; it must succeed. */
  ok(...args: string[]): Promise<string>;
  /** What it complains; it must fail. */
  fails(...args: string[]): Promise<string>;
  /** `run --rm` without a network: output of a shell command in a container with `options`. */
  shell(options: readonly string[], command: string): Promise<string>;
  dockerWith(options: CommandOptions, ...args: string[]): Promise<CommandResult>;
}

/** To be called in a suite's `before`. */
export async function optionFixture(context: Mocha.Context): Promise<OptionFixture> {
  needRoot(context);
  needPeers(context, 'docker');
  const stack = await sharedStack();
  const busybox = `${await devRegistry(context)}/busybox`;
  const docker = (...args: string[]) => stack.docker(...args);
  const { ok, fails } = checked(docker);
  await ok('pull', '-q', busybox);
  return {
    stack,
    busybox,
    docker,
    ok,
    fails,
    shell: (options, command) =>
      ok('run', '--rm', '--network', 'none', ...options, busybox, 'sh', '-c', command),
    dockerWith: (options, ...args) => stack.dockerWith(options, ...args),
  };
}
