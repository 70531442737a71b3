/** mount(2) and umount2(2). Both may block for long; they act on the calling thread's mount namespace. */
import { check, libcFunction } from './libc.ts';

export interface MountArguments {
  /** What is mounted; null where the file system needs no source. */
  readonly source: string | null;
  readonly target: string;
  /** File system type; null for bind mounts and changes of flags. */
  readonly type?: string | null;
  /** Bits of `mountFlags`. */
  readonly flags?: number;
  /** Options of the file system. */
  readonly data?: string | null;
}

const mountCall = libcFunction(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const umount2Call = libcFunction('int umount2(const char *target, int flags)');

export function mount({
  source,
  target,
  type = null,
  flags = 0,
  data = null,
}: MountArguments): void {
  check(mountCall(source, target, type, flags, data), 'mount', `${source ?? 'none'} on ${target}`);
}

/** @param flags bits of `umountFlags`. Throws invalid_argument (EINVAL) when nothing is mounted on `target`. */
export function umount2(target: string, flags = 0): void {
  check(umount2Call(target, flags), 'umount2', target);
}
