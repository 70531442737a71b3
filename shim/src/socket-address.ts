/** Where the shim of a container listens. Every shim computes the same path, so that a second start finds the first. */
import net from 'node:net';
import { sha256 } from './sha256.ts';

/** The descriptor on which the shim finds its socket, already listening. */
export const listeningDescriptor = 3;

/** Of containerd's own shims, too. */
export const socketFolder = '/run/containerd/s';

/** `/run/containerd/s/<sha256 of address/namespace/id>`: as containerd's own shims, and short enough for a socket. */
export function socketPath(
  containerdAddress: string,
  namespace: string,
  id: string,
  folder: string = socketFolder,
): string {
  const name = [containerdAddress, namespace, id].join('/');
  return `${folder}/${sha256(name)}`;
}

/** Whether somebody accepts connections at `file`. */
export function isAnswered(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(file);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
