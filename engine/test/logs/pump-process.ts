/** Logs the output of FIFOs until it is killed: `pump-process.ts FOLDER MAX_SIZE`. Prints `ready` when it reads. */
import path from 'node:path';
import { silentLogger } from '#lib/log/logger';
import { FifoReadiness } from '../../src/logs/fifo-readiness.ts';
import { LoggedOutput } from '../../src/logs/logged-output.ts';

const [folder = '', maxSize = ''] = process.argv.slice(2);
const output = new LoggedOutput({
  stdio: { stdin: '', stdout: path.join(folder, 'stdout'), stderr: path.join(folder, 'stderr') },
  logPath: path.join(folder, 'log'),
  rotation: { maxSizeBytes: Number(maxSize), maxFiles: 1000 },
  readiness: new FifoReadiness(),
  logger: silentLogger,
  onAppend: () => undefined,
});
process.stdout.write('ready\n');
await output.finished;
