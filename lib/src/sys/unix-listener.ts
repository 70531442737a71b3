/** A listening unix socket without an event loop: for a process that does one thing after the other. */
import fs from 'node:fs';
import { check, libcFunction } from './libc.ts';
import { socketAddress } from './unix-address.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const backlog = 128;

const socket = libcFunction('int socket(int domain, int type, int protocol)');
const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)');
const listen = libcFunction('int listen(int fd, int backlog)');
const accept4 = libcFunction('int accept4(int fd, void *address, void *length, int flags)');

/**
 * A socket that listens at `path`, for its owner alone, in place of what was there. To be accepted from with
 * {@link acceptConnection}. Throws ENAMETOOLONG and what else bind(2) says.
 */
export function listenUnix(path: string): number {
  const address = socketAddress('bind', path);
  const fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket');
  const umask = process.umask(0o177);
  try {
    fs.rmSync(path, { force: true });
    check(bind(fd, address, address.length), 'bind', path);
    check(listen(fd, backlog), 'listen', path);
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  } finally {
    process.umask(umask);
  }
}

/** The next connection, close-on-exec; reading and writing wait. Undefined where there is none, or it has gone again. */
export function acceptConnection(listener: number): number | undefined {
  const connection = accept4(listener, null, null, SOCK_CLOEXEC);
  return connection < 0 ? undefined : connection;
}
