/**
 * A loader that a process starts for another one, whose descriptors it gets: what supervises a container must be its
 * ancestor, and what prepares it need not be.
 */
import fs from 'node:fs';
import { duplicateAbove } from '#lib/sys/memfd';
import { pidfdGetfd, pidfdOpen } from '#lib/sys/pidfd';
import { posixSpawn } from '#lib/sys/posix-spawn';

/** What a loader is started with. All descriptors are those of the process that asks. */
export interface LoaderRequest {
  /** The loader's file. */
  executable: number;
  argv0: string;
  /** What becomes descriptor 0, 1 and so on. */
  descriptors: readonly number[];
}

/** Starts the loader as a child of this process, which must reap it, and returns its pid. Nothing else stays open. */
export function startRequestedLoader(
  asking: number,
  { executable, argv0, descriptors }: LoaderRequest,
): number {
  const opened: number[] = [];
  const keep = (fd: number) => {
    opened.push(fd);
    return fd;
  };
  try {
    const pidfd = keep(pidfdOpen(asking));
    // Above the numbers that they become, so that none overwrites another.
    const fetch = (fd: number) => {
      const copy = pidfdGetfd(pidfd, fd);
      try {
        return keep(duplicateAbove(copy, descriptors.length));
      } finally {
        fs.closeSync(copy);
      }
    };
    return posixSpawn({
      path: `/proc/self/fd/${fetch(executable)}`,
      argv: [argv0],
      descriptors: descriptors.map((fd, target) => [fetch(fd), target] as const),
    });
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}
