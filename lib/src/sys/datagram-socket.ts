/** Unix datagram sockets, which node:net does not have: the protocol of sd_notify(3). All calls return at once. */
import { check, errnoNumber, lastErrno, libcFunction, SyscallError } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sun_path has 108 bytes, the last of them zero. */
const longestPath = 107;
const longestMessage = 4096;

const libc = {
  socket: libcFunction('int socket(int domain, int type, int protocol)'),
  bind: libcFunction('int bind(int fd, const void *address, uint32_t length)'),
  recv: libcFunction('long recv(int fd, void *buffer, size_t length, int flags)'),
  sendto: libcFunction(
    'long sendto(int fd, const void *, size_t, int flags, const void *address, uint32_t length)',
  ),
  close: libcFunction('int close(int fd)'),
};

/** Receives at a path until {@link close}, which does not remove the path. */
export class DatagramSocket {
  readonly #fd: number;

  constructor(path: string) {
    const address = socketAddress('bind', path);
    this.#fd = check(libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
    if (libc.bind(this.#fd, address, address.length) < 0) {
      const error = new SyscallError('bind', lastErrno(), path);
      this.close();
      throw error;
    }
  }

  /** The next message, or undefined while there is none. */
  receive(): string | undefined {
    const buffer = Buffer.alloc(longestMessage);
    const length = libc.recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT);
    if (length < 0 && lastErrno() === errnoNumber('EAGAIN')) return undefined;
    return buffer.toString('utf8', 0, check(length, 'recv'));
  }

  close(): void {
    libc.close(this.#fd);
  }
}

/** Sends one message to the socket at `path`; a leading `@` stands for the abstract namespace. */
export function sendDatagram(path: string, message: string): void {
  const address = socketAddress('sendto', path);
  const fd = check(libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
  try {
    const bytes = Buffer.from(message);
    check(
      libc.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length),
      'sendto',
      path,
    );
  } finally {
    libc.close(fd);
  }
}

function socketAddress(syscall: string, path: string): Buffer {
  const abstract = path.startsWith('@');
  const name = Buffer.from(abstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > longestPath + 1) {
    throw new SyscallError(syscall, errnoNumber('ENAMETOOLONG'), path);
  }
  const address = Buffer.alloc(2 + name.length);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  return address;
}

/** Sends messages to one path, which is looked up for each: whoever listens there may be another one by then. */
export class DatagramSender {
  readonly #fd: number;
  readonly #path: string;
  readonly #address: Buffer;

  constructor(path: string) {
    this.#path = path;
    this.#address = socketAddress('sendto', path);
    this.#fd = check(libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket');
  }

  /** False when the receiver has no room at present. Throws SyscallError when nobody receives, or none so large. */
  send(message: Buffer): boolean {
    const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    const sent = libc.sendto(
      this.#fd,
      message,
      message.length,
      flags,
      this.#address,
      this.#address.length,
    );
    if (sent >= 0) return true;
    const errno = lastErrno();
    if (errno === errnoNumber('EAGAIN')) return false;
    throw new SyscallError('sendto', errno, this.#path);
  }

  close(): void {
    libc.close(this.#fd);
  }
}
