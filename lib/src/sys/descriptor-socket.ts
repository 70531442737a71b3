/**
 * A unix socket that receives a descriptor (SCM_RIGHTS), which node:net cannot do: the console socket of runc's
 * command line. All calls are synchronous and none waits.
 */
import { loadKoffi } from './koffi.ts';
import { check, errnoNumber, lastErrno, libcFunction, SyscallError } from './libc.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_DONTWAIT = 0x40;

/** sun_path has 108 bytes, the last of them zero. */
const longestPath = 107;
/** struct cmsghdr (length, level, type) and room for one descriptor, padded. */
const controlSize = 24;

const socket = libcFunction('int socket(int domain, int type, int protocol)');
const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)');
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
let recvmsgCall: ((fd: number, message: Message, flags: number) => number) | undefined;

/** Listens at a path until {@link close}, which does not remove the path. */
export class DescriptorSocket {
  readonly #fd: number;

  constructor(path: string) {
    const name = Buffer.from(path);
    if (name.length > longestPath)
      throw new SyscallError('bind', errnoNumber('ENAMETOOLONG'), path);
    this.#fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket');
    try {
      const address = Buffer.alloc(2 + name.length + 1);
      address.writeUInt16LE(AF_UNIX, 0);
      name.copy(address, 2);
      check(bind(this.#fd, address, address.length), 'bind', path);
      check(listen(this.#fd, 1), 'listen', path);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The descriptor that a peer has sent, close-on-exec, or undefined while nobody has connected. Throws
   * invalid_argument for a peer that sent something else.
   */
  receive(): number | undefined {
    const connection = accept4(this.#fd, null, null, SOCK_CLOEXEC);
    if (connection < 0 && lastErrno() === errnoNumber('EAGAIN')) return undefined;
    check(connection, 'accept4');
    try {
      return receiveDescriptor(connection);
    } finally {
      close(connection);
    }
  }

  close(): void {
    close(this.#fd);
  }
}

function receiveDescriptor(fd: number): number {
  recvmsgCall ??= bindRecvmsg();
  const data = Buffer.alloc(4096); // the sender may add a name
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
  check(recvmsgCall(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 'recvmsg');
  if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) {
    throw new SyscallError('recvmsg', errnoNumber('EINVAL'), 'without a descriptor');
  }
  return control.readInt32LE(16);
}

function bindRecvmsg(): NonNullable<typeof recvmsgCall> {
  const koffi = loadKoffi();
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
  return koffi
    .load('libc.so.6')
    .func('long recvmsg(int fd, _Inout_ msghdr *message, int flags)') as NonNullable<
    typeof recvmsgCall
  >;
}
