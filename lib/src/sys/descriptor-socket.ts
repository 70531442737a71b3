/**
 * Unix sockets that carry a descriptor (SCM_RIGHTS), which node:net cannot do: the console socket of runc's command
 * line and what is like it. All calls are synchronous.
 */
import { loadKoffi } from './koffi.ts';
import { check, errnoNumber, lastErrno, libcFunction, SyscallError } from './libc.ts';
import { socketAddress } from './unix-address.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
export const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** struct cmsghdr (length, level, type) and room for one descriptor, padded. */
const controlSize = 24;

const socket = libcFunction('int socket(int domain, int type, int protocol)');
const socketpair = libcFunction('int socketpair(int domain, int type, int protocol, void *fds)');
const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)');
const connect = libcFunction('int connect(int fd, const void *address, uint32_t length)');
const listen = libcFunction('int listen(int fd, int backlog)');
const accept4 = libcFunction('int accept4(int fd, void *address, void *length, int flags)');
const close = libcFunction('int close(int fd)');

interface Message {
  name: null;
  nameLength: number;
  vector: { base: Buffer; length: number }[];
  vectorLength: number;
  control: Buffer;
  controlLength: number;
  flags: number;
}
type MessageCall = (fd: number, message: Message, flags: number) => number;
let recvmsgCall: MessageCall | undefined;
let sendmsgCall: MessageCall | undefined;
let structuresDefined = false;

/** Listens at a path until {@link close}, which does not remove the path. */
export class DescriptorSocket {
  readonly #fd: number;

  constructor(path: string) {
    const address = socketAddress('bind', path);
    this.#fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket');
    try {
      check(bind(this.#fd, address, address.length), 'bind', path);
      check(listen(this.#fd, 1), 'listen', path);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The descriptor that a peer has sent, close-on-exec, or undefined while nobody has connected. Never waits. Throws
   * invalid_argument for a peer that sent something else.
   */
  receive(): number | undefined {
    const connection = accept4(this.#fd, null, null, SOCK_CLOEXEC);
    if (connection < 0 && lastErrno() === errnoNumber('EAGAIN')) return undefined;
    check(connection, 'accept4');
    try {
      // The sender may add a name.
      const { descriptor } = receiveMessage(connection, 4096, MSG_DONTWAIT);
      if (descriptor !== undefined) return descriptor;
      throw new SyscallError('recvmsg', errnoNumber('EINVAL'), 'without a descriptor');
    } finally {
      close(connection);
    }
  }

  close(): void {
    close(this.#fd);
  }
}

/** Two connected sockets that keep the bounds of messages, close-on-exec. */
export function sequencedPacketPair(): [number, number] {
  const fds = Buffer.alloc(8);
  check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 'socketpair');
  return [fds.readInt32LE(0), fds.readInt32LE(4)];
}

/**
 * The next message on `fd`, at most `size` bytes of it, and the descriptor that came along, close-on-exec. Waits unless
 * `flags` say otherwise; no bytes are the end.
 */
export function receiveMessage(
  fd: number,
  size: number,
  flags = 0,
): { data: Buffer; descriptor: number | undefined } {
  recvmsgCall ??= bindMessageCall('long recvmsg(int fd, _Inout_ msghdr *message, int flags)');
  const data = Buffer.alloc(size);
  const control = Buffer.alloc(controlSize);
  const message: Message = {
    name: null,
    nameLength: 0,
    vector: [{ base: data, length: data.length }],
    vectorLength: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  const length = check(recvmsgCall(fd, message, flags | MSG_CMSG_CLOEXEC), 'recvmsg');
  const isDescriptor =
    control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS;
  return {
    data: data.subarray(0, length),
    descriptor: isDescriptor ? control.readInt32LE(16) : undefined,
  };
}

/**
 * Connects to the socket at `path`, one for streams unless `type` says otherwise, and sends `data` with one descriptor.
 * A leading `@` stands for the abstract namespace.
 */
export function sendDescriptor(
  path: string,
  descriptor: number,
  data: Buffer,
  type: 'stream' | 'datagram' = 'stream',
): void {
  const address = socketAddress('connect', path);
  const kind = type === 'stream' ? SOCK_STREAM : SOCK_DGRAM;
  const fd = check(socket(AF_UNIX, kind | SOCK_CLOEXEC, 0), 'socket');
  try {
    check(connect(fd, address, address.length), 'connect', path);
    sendMessage(fd, descriptor, data);
  } finally {
    close(fd);
  }
}

/** Sends `data` with one descriptor over the connected socket `fd`. */
export function sendMessage(fd: number, descriptor: number, data: Buffer): void {
  sendmsgCall ??= bindMessageCall('long sendmsg(int fd, msghdr *message, int flags)');
  const control = Buffer.alloc(controlSize);
  control.writeBigUInt64LE(20n, 0); // the header and one descriptor
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, 16);
  const vector = [{ base: data, length: data.length }];
  const message: Message = {
    name: null,
    nameLength: 0,
    vector,
    vectorLength: vector.length,
    control,
    controlLength: control.length,
    flags: 0,
  };
  check(sendmsgCall(fd, message, MSG_NOSIGNAL), 'sendmsg');
}

function bindMessageCall(prototype: string): MessageCall {
  const koffi = loadKoffi();
  if (!structuresDefined) {
    structuresDefined = true;
    koffi.struct('iovec', { base: 'void *', length: 'size_t' });
    koffi.struct('msghdr', {
      name: 'void *',
      nameLength: 'uint32_t',
      vector: 'iovec *',
      vectorLength: 'size_t',
      control: 'void *',
      controlLength: 'size_t',
      flags: 'int',
    });
  }
  return koffi.load('libc.so.6').func(prototype) as MessageCall;
}
