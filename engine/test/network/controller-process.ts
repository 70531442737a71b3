/**
 * A network controller as a process of its own, so that tests can run it inside a network namespace and kill it.
 * Reads one JSON array per line, a method and its arguments; answers each with a line {result} or {error}.
 */
import readline from 'node:readline';
import { createLogger } from '#lib/log/logger';
import { isStackError, messageOf } from '#spec/errors';
import { KernelThread } from '../../src/kernel/kernel-thread.ts';
import { LocalNetworkController } from '../../src/network/local-network-controller.ts';
import { parseNetworkFlags, type NetworkFlags } from '../../src/network/network-options.ts';

const [dataRoot = '', execRoot = '', flags = '{}'] = process.argv.slice(2);
const logger = createLogger('controller');
const kernel = new KernelThread(logger);
const controller = new LocalNetworkController({
  ...parseNetworkFlags(JSON.parse(flags) as NetworkFlags), // from the test
  kernel,
  logger,
  dataRoot,
  execRoot,
});

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [method, ...args] = JSON.parse(line) as [keyof LocalNetworkController, ...unknown[]];
  const started = performance.now();
  let answer: object;
  try {
    const call = controller[method].bind(controller) as (...args: unknown[]) => unknown;
    answer = { result: (await call(...args)) ?? null };
  } catch (error) {
    answer = { error: messageOf(error), kind: isStackError(error) ? error.kind : 'bug' };
  }
  process.stdout.write(`${JSON.stringify({ ...answer, ms: performance.now() - started })}\n`);
}
await kernel.close();
