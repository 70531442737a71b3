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
  readline.createInterface({ input: socket }).on('line', (line) => copyRecord(line, shimLog));
  return () => socket.destroy();
}

/** Our shim writes records like ours: their fields stay fields. Lines of other shims become messages. */
function copyRecord(line: string, log: Logger): void {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>; // checked by what is taken out of it
  } catch {
    log.debug(line);
    return;
  }
  const { level, msg, time: _time, ...fields } = record;
  const message = typeof msg === 'string' ? msg : line;
  if (level === 'error') log.error(message, fields);
  else if (level === 'warning') log.warn(message, fields);
  else log.debug(message, fields);
}
