/** netlink(7) sockets with synchronous calls. A socket stays in the network namespace it was opened in. */
import { check, lastErrno, errnoNumber, libcFunction, SyscallError } from './libc.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

/** rtnetlink(7): links, addresses, routes. */
export const NETLINK_ROUTE = 0;
/** nfnetlink: nf_tables among others. */
export const NETLINK_NETFILTER = 12;

/** The kernel fills dump datagrams up to 32 KiB when the reader has shown a buffer of that size or more. */
const receiveBufferBytes = 64 * 1024;

const socket = libcFunction('int socket(int domain, int type, int protocol)');
const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)');
const getsockname = libcFunction('int getsockname(int fd, void *address, void *length)');
const setsockopt = libcFunction(
  'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
);
const send = libcFunction('long send(int fd, const void *data, size_t length, int flags)');
const recv = libcFunction('long recv(int fd, void *data, size_t length, int flags)');
const close = libcFunction('int close(int fd)');

/**
 * The kernel handles a request inside send(2), so its answer is in the queue when send returns and nothing
 * here ever waits.
 */
export class NetlinkSocket {
  /** The number the kernel writes into messages that this socket caused (`nlmsg_pid`). */
  readonly portId: number;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(receiveBufferBytes);

  /** Opens a socket in the calling thread's network namespace and joins the multicast `groups`. */
  constructor(protocol: number, groups: readonly number[] = []) {
    this.#fd = check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), 'socket', 'AF_NETLINK');
    try {
      const address = Buffer.alloc(12); // struct sockaddr_nl: family, padding, port id, groups
      address.writeUInt16LE(AF_NETLINK, 0);
      check(bind(this.#fd, address, address.length), 'bind', 'AF_NETLINK');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(address.length);
      check(getsockname(this.#fd, address, length), 'getsockname', 'AF_NETLINK');
      this.portId = address.readUInt32LE(4);
      this.#setOption(NETLINK_CAP_ACK, 1);
      this.#setOption(NETLINK_EXT_ACK, 1);
      for (const group of groups) this.#setOption(NETLINK_ADD_MEMBERSHIP, group);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Sends one datagram of one or more messages. */
  send(data: Buffer): void {
    check(send(this.#fd, data, data.length, 0), 'send', 'AF_NETLINK');
  }

  /** The next datagram, or undefined when there is none. Throws ENOBUFS when multicast messages were lost. */
  receive(): Buffer | undefined {
    const length = recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0 && lastErrno() === errnoNumber('EAGAIN')) return undefined;
    check(length, 'recv', 'AF_NETLINK');
    if (length > this.#buffer.length) {
      throw new SyscallError('recv', errnoNumber('EMSGSIZE'), `AF_NETLINK (${length} bytes)`);
    }
    return Buffer.from(this.#buffer.subarray(0, length));
  }

  close(): void {
    close(this.#fd);
  }

  #setOption(option: number, value: number): void {
    const data = Buffer.alloc(4);
    data.writeInt32LE(value);
    check(
      setsockopt(this.#fd, SOL_NETLINK, option, data, data.length),
      'setsockopt',
      'SOL_NETLINK',
    );
  }
}
