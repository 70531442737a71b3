/** `--pidfd-socket`: hands the caller a descriptor that stands for the new process. */
import { close } from '#lib/sys/file';
import { sendDescriptor } from '#lib/sys/descriptor-socket';
import { pidfdOpen } from '#lib/sys/pidfd';

/** `purpose` is the data that runc sends along: `standard` for a container, `setns` for exec. */
export function sendPidfd(socket: string, pid: number, purpose: 'standard' | 'setns'): void {
  const pidfd = pidfdOpen(pid);
  try {
    sendDescriptor(socket, pidfd, Buffer.from(purpose));
  } finally {
    close(pidfd);
  }
}
