/** One daemon per folder: whoever holds the lock may open what is in it. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, isStackError } from '#spec/errors';
import { LOCK_EX, LOCK_NB, flock } from '#lib/sys/lock';

/** Takes the lock of `folder` for the life of this process. Throws unavailable while another process holds it. */
export function lockFolder(folder: string): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o711 });
  const file = path.join(folder, 'lock');
  const fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  try {
    flock(fd, LOCK_EX | LOCK_NB);
  } catch (error) {
    const owner = fs.readFileSync(fd, 'utf8').trim();
    fs.closeSync(fd);
    if (!isStackError(error, 'unavailable')) throw error;
    throw new StackError('unavailable', `${folder} is in use by process ${owner || 'unknown'}`);
  }
  fs.ftruncateSync(fd);
  fs.writeSync(fd, `${process.pid}\n`, 0);
}
