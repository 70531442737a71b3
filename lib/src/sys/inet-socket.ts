/** IPv4 sockets opened by synchronous calls: they stay in the network namespace that the thread is in at that moment. */
import { check, libcFunction } from './libc.ts';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const backlog = 128;

const socket = libcFunction('int socket(int domain, int type, int protocol)');
const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)');
const listen = libcFunction('int listen(int fd, int backlog)');
const getsockname = libcFunction('int getsockname(int fd, void *address, void *length)');
const close = libcFunction('int close(int fd)');

export interface BoundSocket {
  readonly fd: number;
  readonly port: number;
}

/** A UDP socket, or a TCP socket that listens, at `address` on a port of the kernel's choice. */
export function boundSocket(kind: 'udp' | 'tcp', address: string): BoundSocket {
  const type = (kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const fd = check(socket(AF_INET, type, 0), 'socket', kind);
  try {
    const name = Buffer.alloc(16); // struct sockaddr_in: family, port, address, padding
    name.writeUInt16LE(AF_INET, 0);
    Buffer.from(address.split('.').map(Number)).copy(name, 4);
    check(bind(fd, name, name.length), 'bind', address);
    if (kind === 'tcp') check(listen(fd, backlog), 'listen', address);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(name.length);
    check(getsockname(fd, name, length), 'getsockname', address);
    return { fd, port: name.readUInt16BE(2) };
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

/** Closes a descriptor that nobody has taken over. */
export function closeSocket(fd: number): void {
  close(fd);
}
