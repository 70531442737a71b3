/** Where the shim of a container listens. Every shim computes the same path, so that a second start finds the first. */
import { sha256 } from './sha256.ts';

/** The descriptor on which the shim finds its socket, already listening. */
export const listeningDescriptor = 3;

const socketFolder = '/run/containerd/s';

/** `/run/containerd/s/<sha256 of address/namespace/id>`: as containerd's own shims, and short enough for a socket. */
export function socketPath(containerdAddress: string, namespace: string, id: string): string {
  const name = [containerdAddress, namespace, id].join('/');
  return `${socketFolder}/${sha256(name)}`;
}
