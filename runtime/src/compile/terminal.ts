/**
 * The container's terminal: a pty of the container's own devpts becomes standard input, output and error, and its
 * master goes to whoever holds the console socket. The slave comes from the master itself (TIOCGPTPEER), never from a
 * name below /dev/pts that the image could have placed there (CVE-2025-52565).
 */
import { pointer, u16, u32, u64, type Data } from '#lib/loader/data';
import type { Register } from '#lib/loader/program';
import type { Process } from '#spec/oci/process';
import type { CompileContext, DescriptorSlot } from './context.ts';
import type { ConsoleTarget } from './input.ts';
import {
  AF_UNIX,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from './kernel-constants.ts';
import { attach, cloneTree } from './mount-calls.ts';
import { openInRoot, openOrMake } from './paths.ts';
import { StackError } from '#spec/errors';

/** Length of `sun_path` in struct sockaddr_un. */
const socketPathLength = 108;

/** Opens the way to the console socket while paths of the host still lead there. */
export function connectConsole(context: CompileContext, target: ConsoleTarget): DescriptorSlot {
  const { program } = context;
  program.stage('connect to the console socket').from('process.terminal');
  let slot: DescriptorSlot | undefined;
  context.borrow((socket) => {
    if ('descriptor' in target) {
      program.set(socket, program.descriptor(target.descriptor));
    } else {
      const address = socketAddress(target.socketPath);
      program.syscall('socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { result: socket });
      program.syscall('connect', [socket, program.bytes(address), address.length]);
    }
    slot = context.keep(socket);
  });
  if (!slot) throw new Error('borrow() calls back at once');
  return slot;
}

function socketAddress(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes.length >= socketPathLength) {
    throw new StackError(
      'invalid_argument',
      `console socket "${path}" is longer than ${socketPathLength - 1} bytes`,
    );
  }
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX);
  bytes.copy(address, 2);
  return address;
}

export interface TerminalOptions {
  readonly process: Process;
  readonly console: DescriptorSlot;
  /** Descriptor of the root directory; with it the slave is also mounted at /dev/console. */
  readonly root: Register;
  readonly mountConsole: boolean;
}

/** Makes the pty, hands the master over, and takes the slave as controlling terminal and as descriptors 0, 1 and 2. */
export function makeTerminal(context: CompileContext, options: TerminalOptions): void {
  const { program } = context;
  const { process, root } = options;
  program.stage('open a terminal').from('process.terminal');
  context.borrow((master) => {
    const how = context.openHow(
      O_RDWR | O_NOCTTY | O_CLOEXEC,
      RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    );
    program.syscall('openat2', [root, program.string('dev/pts/ptmx'), how, 24], { result: master });
    program.syscall('ioctl', [master, TIOCSPTLCK, program.struct('int', { value: u32(0) })]);
    context.borrow((slave) => {
      // Without O_CLOEXEC, which this call would leave in the file's own flags (F_GETFL) for the user to see.
      program.syscall('ioctl', [master, TIOCGPTPEER, O_RDWR | O_NOCTTY], { result: slave });
      if (process.consoleSize) {
        program.from('process.consoleSize');
        const { height, width } = process.consoleSize;
        const size = program.struct('winsize', {
          ws_row: u16(Math.min(height, 0xffff)),
          ws_col: u16(Math.min(width, 0xffff)),
          ws_xpixel: u16(0),
          ws_ypixel: u16(0),
        });
        program.syscall('ioctl', [slave, TIOCSWINSZ, size]).from('process.terminal');
      }
      program.syscall('fchown', [slave, process.user.uid, -1 >>> 0]);
      if (options.mountConsole) mountConsole(context, root, slave);
      context.withKept(options.console, (socket) => {
        sendDescriptor(context, socket, master);
        context.close(socket);
      });
      program.syscall('ioctl', [slave, TIOCSCTTY, 0]);
      for (const stream of [0, 1, 2]) program.syscall('dup3', [slave, stream, 0]);
      context.close(slave);
    });
    context.close(master);
  });
}

function mountConsole(context: CompileContext, root: Register, slave: Register): void {
  const { program } = context;
  program.stage('mount the terminal at /dev/console').from('process.terminal');
  context.borrow((target) => {
    openOrMake(context, root, '/dev/console', target, 'file');
    context.close(target);
    openInRoot(context, root, '/dev/console', target, { noSymlinks: true });
    context.borrow((tree) => {
      cloneTree(context, slave, false, tree);
      attach(context, tree, target);
      context.close(tree);
    });
    context.close(target);
  });
}

/** One message with one descriptor: SCM_RIGHTS, and a name as the data (reference: runc's console socket). */
function sendDescriptor(context: CompileContext, socket: Register, fd: Register): void {
  const { program } = context;
  program.stage('send the terminal to the console socket').from('process.terminal');
  const name = Buffer.from('/dev/ptmx');
  const vector = program.struct('iovec', {
    iov_base: pointer(program.bytes(name)),
    iov_len: u64(name.length),
  });
  const control: Data = program.struct('cmsghdr', {
    cmsg_len: u64(20),
    cmsg_level: u32(SOL_SOCKET),
    cmsg_type: u32(SCM_RIGHTS),
    fd: u32(0),
    padding: u32(0),
  });
  program.store(fd, control.field('fd'), 0, 32);
  const message = program.struct('msghdr', {
    msg_name: pointer(null),
    msg_namelen: u64(0),
    msg_iov: pointer(vector),
    msg_iovlen: u64(1),
    msg_control: pointer(control),
    msg_controllen: u64(24),
    msg_flags: u64(0),
  });
  program.syscall('sendmsg', [socket, message, MSG_NOSIGNAL], { demand: name.length });
}
