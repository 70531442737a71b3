/** Worker threads that run the sources. */
import os from 'node:os';
import path from 'node:path';
import { FileWorker } from '../src/worker/file-worker.ts';
import type { WorkerSettings } from '../src/worker/protocol.ts';

export function createTestWorker(settings: Partial<WorkerSettings> = {}): FileWorker {
  const file = path.resolve(import.meta.dirname, '../src/worker/main.ts');
  const scratch = path.join(os.tmpdir(), 'no-mounts-expected');
  return new FileWorker({ scratch, ...settings }, undefined, file);
}
