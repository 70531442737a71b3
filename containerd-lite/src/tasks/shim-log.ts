/** The FIFO that a shim writes its own log to, copied line by line into ours. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { errorCode } from '#spec/errors';
import { AT_FDCWD, S_IFIFO, mknodat } from '#lib/sys/file';
import type { Logger } from '#lib/log/logger';
import type { Bundle } from './bundle.ts';

/** Makes the FIFO where it is missing and reads it until the returned function is called. */
export function copyShimLog(bundle: Bundle, log: Logger): () => void {
  const fifo = path.join(bundle.path, 'log');
  try {
    mknodat(AT_FDCWD, fifo, S_IFIFO | 0o600);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  // Open for writing as well: opening does not wait for the shim, and its end is not the end of the file.
  const fd = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const socket = new net.Socket({ fd, readable: true, writable: false });
  socket.on('error', (error) => log.warn('cannot read the log of a shim', { error }));
  socket.unref();
  const shimLog = log.child({ shim: bundle.id, namespace: bundle.namespace });
  readline.createInterface({ input: socket }).on('line', (line) => shimLog.debug(line));
  return () => socket.destroy();
}
