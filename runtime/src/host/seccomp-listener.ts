/** SCMP_ACT_NOTIFY: the filter's listener goes to whoever decides about the calls (runtime-spec config-linux.md). */
import { close } from '#lib/sys/file';
import { sendDescriptor } from '#lib/sys/descriptor-socket';
import { pidfdGetfd, pidfdOpen } from '#lib/sys/pidfd';
import { ociVersion } from '#spec/oci/version';
import { messageOf, StackError } from '#spec/errors';
import type { Seccomp } from '#spec/oci/seccomp';

export interface ListeningProcess {
  readonly pid: number;
  /** Of the listener, in that process. */
  readonly fd: number;
  /** The container's state, as JSON. */
  readonly state: string;
}

/** Sends the container process state and the listener to `listenerPath`. */
export function sendSeccompListener(
  seccomp: Seccomp | undefined,
  { pid, fd, state }: ListeningProcess,
): void {
  const { listenerPath = '', listenerMetadata } = seccomp ?? {};
  const message = {
    ociVersion,
    fds: ['seccompFd'],
    pid,
    ...(listenerMetadata !== undefined && { metadata: listenerMetadata }),
    state: JSON.parse(state) as unknown,
  };
  const descriptors: number[] = [];
  try {
    const pidfd = pidfdOpen(pid);
    descriptors.push(pidfd);
    const listener = pidfdGetfd(pidfd, fd);
    descriptors.push(listener);
    sendDescriptor(listenerPath, listener, Buffer.from(JSON.stringify(message)));
  } catch (error) {
    const kind = error instanceof StackError ? error.kind : 'internal';
    const attempt = 'linux.seccomp.listenerPath: cannot hand over the listener';
    throw new StackError(kind, `${attempt}: ${messageOf(error)}`, { cause: error });
  } finally {
    for (const descriptor of descriptors) close(descriptor);
  }
}
