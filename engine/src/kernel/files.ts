/** Mounting, unmounting and deleting, which the kernel may take its time for. */
import fs from 'node:fs';
import { mount, umount2, type MountArguments } from '#lib/sys/mount';
import type { Host } from './host.ts';

/** mount(2). */
export function mountFileSystem(_host: Host, request: MountArguments): void {
  mount(request);
}

/** umount2(2). */
export function unmountFileSystem(
  _host: Host,
  { target, flags = 0 }: { target: string; flags?: number },
): void {
  umount2(target, flags);
}

/** Deletes a file or a folder with all that is in it; does nothing where there is none. Follows no links. */
export function removeTree(_host: Host, { path }: { path: string }): void {
  fs.rmSync(path, { recursive: true, force: true });
}
