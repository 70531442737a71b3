/** Pid files: one engine per root, by a lock that the kernel takes back when its holder dies, however it dies. */
import fs from 'node:fs';
import path from 'node:path';
import { flock, LOCK_EX, LOCK_NB } from '#lib/sys/lock';
import { errorCode, messageOf, StackError } from '#spec/errors';

/** Writes our process id into `file` and holds it. Throws conflict while another engine does. Returns how to let go. */
export function claimPidFile(file: string): () => void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  const fd = openLocked(file);
  fs.ftruncateSync(fd);
  fs.writeSync(fd, String(process.pid), 0);
  return () => {
    fs.rmSync(file, { force: true });
    fs.closeSync(fd);
  };
}

/** Between opening and locking, an engine that stops may have removed the file: then it is no longer the one by that name. */
function openLocked(file: string): number {
  while (true) {
    const fd = open(file);
    try {
      flock(fd, LOCK_EX | LOCK_NB);
      const named = fs.statSync(file, { throwIfNoEntry: false });
      if (named?.ino === fs.fstatSync(fd).ino) return fd;
      fs.closeSync(fd);
    } catch (error) {
      fs.closeSync(fd);
      if (errorCode(error) !== 'EAGAIN') throw error;
      const pid = fs.readFileSync(file, 'utf8').trim();
      throw new StackError(
        'conflict',
        `failed to start daemon, ensure engined is not running or delete ${file}: process with PID ${pid} is still running`,
      );
    }
  }
}

function open(file: string): number {
  try {
    return fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644);
  } catch (error) {
    throw new StackError('invalid_argument', `cannot write pid file ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
