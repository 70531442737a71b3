/** The daemons make mounts, namespaces and links from their first second: without root nothing of it works. */
import { StackError } from '#spec/errors';

/** Throws permission_denied unless this process is root. */
export function requireRoot(program: string): void {
  if (process.geteuid?.() === 0) return;
  throw new StackError(
    'permission_denied',
    `${program} needs to be started with root privileges (rootless mode is not implemented)`,
  );
}
