/** HOME of a user that the environment does not name: from the container's own /etc/passwd, as runc does it. */
import fs from 'node:fs';
import { AT_FDCWD, openFlags, resolveFlags } from '#lib/sys/flags';
import { close, lstatat, openat, openat2, S_IFMT, S_IFREG } from '#lib/sys/file';
import { SyscallError } from '#lib/sys/libc';
import type { Process } from '#spec/oci/process';

const { O_DIRECTORY, O_NONBLOCK, O_PATH, O_RDONLY } = openFlags;
/** More than any passwd of a person or a distribution; an image can claim anything. */
const sizeLimit = 1 << 20;

/** `/` when there is no such user. The file is only ever looked up below `root`. */
export function homeDirectory(root: string, { env = [], user }: Process): string {
  if (env.some((variable) => variable.startsWith('HOME='))) return '/';
  const passwd = readPasswd(root);
  for (const line of passwd.split('\n')) {
    const [, , uid, , , home] = line.split(':');
    if (uid === String(user.uid) && home) return home;
  }
  return '/';
}

function readPasswd(root: string): string {
  let directory: number | undefined;
  let file: number | undefined;
  try {
    directory = openat(AT_FDCWD, root, O_PATH | O_DIRECTORY);
    file = openat2(directory, 'etc/passwd', {
      flags: O_RDONLY | O_NONBLOCK,
      resolve: resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS,
    });
    if ((lstatat(file, '').mode & S_IFMT) !== S_IFREG) return '';
    const content = Buffer.alloc(sizeLimit);
    return content.toString('utf8', 0, fs.readSync(file, content));
  } catch (error) {
    if (error instanceof SyscallError) return ''; // not there, or not for us: then nobody has a home
    throw error;
  } finally {
    if (file !== undefined) close(file);
    if (directory !== undefined) close(directory);
  }
}
