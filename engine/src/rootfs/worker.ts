/** A thread that does one thing with the files of one container and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { plainError } from '../kernel/plain-error.ts';
import { runJob } from './jobs.ts';
import { openRoot } from './open-root.ts';
import type { RootTask } from './protocol.ts';

if (!parentPort) throw new Error('the rootfs worker must be started as a worker thread');
const { view, job } = workerData as RootTask; // from root-thread.ts
try {
  parentPort.postMessage({ result: runJob(openRoot(view), job) });
} catch (error) {
  parentPort.postMessage({ error: plainError(error) });
}
