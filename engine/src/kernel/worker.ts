/** The kernel thread: serves requests until it is told to stop or cannot get home. */
import { parentPort } from 'node:worker_threads';
import { LostThreadError } from './home-namespace.ts';
import { Host } from './host.ts';
import { plainError } from './plain-error.ts';
import { operations, type KernelRequest, type KernelResponse } from './protocol.ts';

const host = new Host();
if (!parentPort) throw new Error('the kernel worker must be started as a worker thread');
const main = parentPort;

main.on('message', (request: KernelRequest) => {
  const { response, lost } = serve(request);
  main.postMessage(response);
  if (lost) process.exit(1); // ends this thread, not the process
});

function serve({ id, operation, argument }: KernelRequest): {
  response: KernelResponse;
  lost: boolean;
} {
  try {
    // The sender's types (KernelThread.call) pair each operation with its argument.
    const run = operations[operation] as (host: Host, argument: unknown) => unknown;
    return { response: { id, result: run(host, argument) }, lost: false };
  } catch (error) {
    return { response: { id, error: plainError(error) }, lost: error instanceof LostThreadError };
  }
}
