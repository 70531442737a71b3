/** Sockets that a service manager opened for us (sd_listen_fds(3)): descriptors from 3 on, counted in the environment. */
import fs from 'node:fs';
import { setCloseOnExec } from '#lib/sys/descriptor';
import { StackError } from '#spec/errors';

const firstFd = 3;

export interface ActivatedSocket {
  fd: number;
  kind: 'unix' | 'tcp';
}

/**
 * The sockets meant for this process. Takes the variables out of `environment` and marks the descriptors, so that
 * nothing that is started from here, containers least of all, gets either. To be called once, before anything else is.
 */
export function takeActivatedSockets(environment: NodeJS.ProcessEnv): ActivatedSocket[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = environment;
  delete environment['LISTEN_PID'];
  delete environment['LISTEN_FDS'];
  delete environment['LISTEN_FDNAMES'];
  if (Number(pid) !== process.pid || !/^\d{1,4}$/.test(count ?? '')) return [];
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = firstFd + index;
    setCloseOnExec(fd);
    return { fd, kind: kindOf(fd) };
  });
}

/** The sockets that `-H fd://` or `-H fd://NUMBER` asks for. Throws invalid_argument in docker's words. */
export function chooseActivated(
  sockets: readonly ActivatedSocket[],
  fd: number | undefined,
): ActivatedSocket[] {
  if (sockets.length === 0) {
    throw new StackError(
      'invalid_argument',
      'no sockets found via socket activation: make sure the service was started by systemd',
    );
  }
  if (fd === undefined) return [...sockets];
  const chosen = sockets.find((socket) => socket.fd === fd);
  if (chosen) return [chosen];
  throw new StackError('invalid_argument', 'too few socket activated files passed in by systemd');
}

function kindOf(fd: number): ActivatedSocket['kind'] {
  const inode = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  if (inode === undefined) {
    throw new StackError(
      'invalid_argument',
      `failed to listen on systemd activated file: fd ${fd}`,
    );
  }
  // Num RefCount Protocol Flags Type St Inode Path
  const unix = fs.readFileSync('/proc/self/net/unix', 'utf8').split('\n');
  return unix.some((line) => line.split(/\s+/)[6] === inode) ? 'unix' : 'tcp';
}
