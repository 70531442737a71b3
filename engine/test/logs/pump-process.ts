/** Logs the output of FIFOs until it is killed: `pump-process.ts FOLDER MAX_SIZE [json|local]`. Prints `ready` when it reads. */
import path from 'node:path';
import { silentLogger } from '#lib/log/logger';
import { FifoReadiness } from '../../src/logs/fifo-readiness.ts';
import { jsonFormat } from '../../src/logs/json-format.ts';
import { localFormat } from '../../src/logs/local-format.ts';
import { LoggedOutput } from '../../src/logs/logged-output.ts';

const [folder = '', maxSize = '', format = 'json'] = process.argv.slice(2);
const output = new LoggedOutput({
  stdio: { stdin: '', stdout: path.join(folder, 'stdout'), stderr: path.join(folder, 'stderr') },
  logPath: path.join(folder, 'log'),
  rotation: { maxSizeBytes: Number(maxSize), maxFiles: 1000, compress: format === 'local' },
  encoder: (format === 'json' ? jsonFormat : localFormat).createEncoder({}),
  readiness: new FifoReadiness(),
  logger: silentLogger,
  onAppend: () => undefined,
});
process.stdout.write('ready\n');
await output.finished;
