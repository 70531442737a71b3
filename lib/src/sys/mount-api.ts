/** fsopen(2), fsconfig(2), fsmount(2): a file system that is mounted nowhere, as a descriptor. */
import fs from 'node:fs';
import { FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC, fsconfigCommands } from './flags.ts';
import { check, libcFunction } from './libc.ts';
import { syscallNumber } from './syscalls.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const fsopen = libcFunction('long syscall(long number, const char *, unsigned int)');
const fsconfig = libcFunction(
  'long syscall(long number, int, unsigned int, const char *, const char *, int)',
);
const fsmount = libcFunction('long syscall(long number, int, unsigned int, unsigned int)');

/**
 * Makes a file system of `type` and a detached mount of it with `attributes` (MOUNT_ATTR_…); it is gone when the
 * descriptor is closed and it was attached nowhere. `parameters` are `key=value` or `key`. Needs CAP_SYS_ADMIN.
 */
export function detachedFileSystem(
  type: string,
  parameters: readonly string[],
  attributes: number,
): number {
  const number = (name: 'fsopen' | 'fsconfig' | 'fsmount') => syscallNumber(name, architecture);
  const context = check(fsopen(number('fsopen'), type, FSOPEN_CLOEXEC), 'fsopen', type);
  const configure = (command: number, key: string | null, value: string | null) =>
    check(fsconfig(number('fsconfig'), context, command, key, value, 0), 'fsconfig', key ?? type);
  try {
    for (const parameter of parameters) {
      const equals = parameter.indexOf('=');
      if (equals < 0) configure(fsconfigCommands.FSCONFIG_SET_FLAG, parameter, null);
      else {
        const [key, value] = [parameter.slice(0, equals), parameter.slice(equals + 1)];
        configure(fsconfigCommands.FSCONFIG_SET_STRING, key, value);
      }
    }
    configure(fsconfigCommands.FSCONFIG_CMD_CREATE, null, null);
    const flags = FSMOUNT_CLOEXEC;
    return check(fsmount(number('fsmount'), context, flags, attributes), 'fsmount', type);
  } finally {
    fs.closeSync(context);
  }
}
