/** struct sockaddr_un. */
import { errnoNumber, SyscallError } from './libc.ts';

const AF_UNIX = 1;
/** sun_path has 108 bytes, the last of them zero. */
export const longestSocketPath = 107;

/**
 * The address of `path`, as long as the name needs; a leading `@` stands for the abstract namespace. Throws
 * ENAMETOOLONG in the name of `syscall`.
 */
export function socketAddress(syscall: string, path: string): Buffer {
  const name = Buffer.from(path);
  if (name.length > longestSocketPath) {
    throw new SyscallError(syscall, errnoNumber('ENAMETOOLONG'), path);
  }
  const isAbstract = name[0] === 0x40;
  const address = Buffer.alloc(2 + name.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  if (isAbstract) address[2] = 0;
  return address;
}
