/** Sockets opened by synchronous calls: they stay in the network namespace that the thread is in at that moment. */
import { isIPv6 } from 'node:net';
import { ipv6Bytes, parseIpv6 } from '#lib/netlink/ipv6';
import { check, errnoNumber, lastErrno, libcFunction } from './libc.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const backlog = 128;

const socket = libcFunction('int socket(int domain, int type, int protocol)');
const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)');
const connect = libcFunction('int connect(int fd, const void *address, uint32_t length)');
const listen = libcFunction('int listen(int fd, int backlog)');
const getsockname = libcFunction('int getsockname(int fd, void *address, void *length)');
const close = libcFunction('int close(int fd)');

export interface BoundSocket {
  readonly fd: number;
  readonly port: number;
}

/** A UDP socket, or a TCP socket that listens, at `address` on a port of the kernel's choice. */
export function boundSocket(kind: 'udp' | 'tcp', address: string): BoundSocket {
  const fd = open(kind, address);
  try {
    const name = socketAddress(address, 0);
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

/** A TCP socket whose connection to `address` is under way; that it failed shows when it is used. */
export function connectingSocket(address: string, port: number): number {
  const fd = open('tcp', address);
  const name = socketAddress(address, port);
  if (connect(fd, name, name.length) === 0 || lastErrno() === errnoNumber('EINPROGRESS')) return fd;
  try {
    return check(-1, 'connect', address);
  } finally {
    closeSocket(fd);
  }
}

/** Closes a descriptor that nobody has taken over. */
export function closeSocket(fd: number): void {
  close(fd);
}

function open(kind: 'udp' | 'tcp', address: string): number {
  const type = (kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  return check(socket(isIPv6(address) ? AF_INET6 : AF_INET, type, 0), 'socket', kind);
}

/** struct sockaddr_in (family, port, address, padding) or sockaddr_in6 (family, port, flow, address, scope). */
function socketAddress(address: string, port: number): Buffer {
  const name = Buffer.alloc(isIPv6(address) ? 28 : 16);
  name.writeUInt16LE(isIPv6(address) ? AF_INET6 : AF_INET, 0);
  name.writeUInt16BE(port, 2);
  if (isIPv6(address)) ipv6Bytes(parseIpv6(address)).copy(name, 8);
  else Buffer.from(address.split('.').map(Number)).copy(name, 4);
  return name;
}
