/** Mounting, unmounting and deleting, which the kernel may take its time for. */
import fs from 'node:fs';
import { mountWithOptions, type MountSpecification } from '#lib/mounts/mount-with-options';
import { umount2 } from '#lib/sys/mount';
import type { Host } from './host.ts';

/** mount(2), with options in the words of mount(8). */
export function mountFileSystem(
  _host: Host,
  { target, ...what }: MountSpecification & { target: string },
): void {
  mountWithOptions(what, target);
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
