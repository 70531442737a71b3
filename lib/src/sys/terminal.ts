/** ioctl_tty(2): terminals by a descriptor of either end. */
import { ioctlRequests } from './flags.ts';
import { check, libcFunction } from './libc.ts';

const ioctlCall = libcFunction('int ioctl(int fd, unsigned long request, void *argument)');

export interface WindowSize {
  columns: number;
  rows: number;
}

/** TIOCSWINSZ. The foreground process group gets SIGWINCH if the size changed. */
export function setWindowSize(fd: number, { columns, rows }: WindowSize): void {
  const size = Buffer.alloc(8); // struct winsize: rows, columns, and two fields in pixels
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  check(ioctlCall(fd, ioctlRequests.TIOCSWINSZ, size), 'ioctl', 'TIOCSWINSZ');
}
