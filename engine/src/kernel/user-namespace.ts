/**
 * User namespaces of containers. A process with several threads cannot make or enter one: a loader does, and waits
 * while its namespaces are mounted where they can be found.
 *
 *     loader                                  kernel thread
 *      | unshare or setns, then one byte ---->  |
 *      |                                        | writes the maps, mounts what is to be kept
 *      | <---- end of the pipe, and it exits    |
 */
import fs from 'node:fs';
import { failureError } from '#lib/loader/failure';
import { ProgramBuilder, type Program } from '#lib/loader/program';
import { prologue } from '#lib/loader/sequences';
import { readFailure, startLoader } from '#lib/loader/spawn-loader';
import { cloneFlags, mountFlags, umountFlags } from '#lib/sys/flags';
import { mountIdMapped } from '#lib/sys/id-mapped-mount';
import { mount, umount2 } from '#lib/sys/mount';
import { pipe, waitPid } from '#lib/sys/posix-spawn';
import { errorCode, StackError } from '#spec/errors';
import { reversed, type IdMaps } from '../userns/id-map.ts';
import type { Host } from './host.ts';

/** Makes a user namespace with these maps and mounts it on the new file `path`. */
export function createUserNamespace(
  _host: Host,
  { path, maps }: { path: string; maps: IdMaps },
): void {
  withUserNamespace(maps, (namespaces) => keep(`${namespaces}/user`, path));
}

/** Makes a network namespace that belongs to the user namespace at `owner` and mounts it on the file `path`. */
export function createOwnedNetwork(owner: string, path: string): void {
  const namespace = fs.openSync(owner, 'r');
  try {
    const { builder, ready } = programThatWaits({ namespace });
    builder.syscall('setns', [builder.descriptor('namespace'), cloneFlags.CLONE_NEWUSER]);
    builder.syscall('unshare', [cloneFlags.CLONE_NEWNET]);
    ready(({ pid }) =>
      mount({ source: `/proc/${pid}/ns/net`, target: path, flags: mountFlags.MS_BIND }),
    );
  } finally {
    fs.closeSync(namespace);
  }
}

export interface IdMappedFolder {
  readonly source: string;
  /** An existing folder. */
  readonly target: string;
  readonly maps: IdMaps;
  /** Show what belongs to the host's ids of the maps as that of the container's. */
  readonly backwards: boolean;
}

/** Shows a folder once more, with owners translated. Throws unimplemented where its file system cannot do that. */
export function mountTranslated(_host: Host, request: IdMappedFolder): void {
  const { source, target, maps, backwards } = request;
  withUserNamespace(backwards ? reversed(maps) : maps, (namespaces) => {
    const fd = fs.openSync(`${namespaces}/user`, 'r');
    try {
      mountIdMapped(source, target, fd);
    } catch (error) {
      if (errorCode(error) !== 'EINVAL' && errorCode(error) !== 'ENOSYS') throw error;
      throw new StackError(
        'unimplemented',
        `user namespaces need mounts with translated owners (Linux 5.19, and a file system that has them), which ${source} does not allow`,
        { cause: error },
      );
    } finally {
      fs.closeSync(fd);
    }
  });
}

/** Lets go of a user namespace; nothing happens where there is none. */
export function removeUserNamespace(_host: Host, { path }: { path: string }): void {
  try {
    umount2(path, umountFlags.MNT_DETACH);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EINVAL') throw error;
  }
  fs.rmSync(path, { force: true });
}

/** `action` gets the folder below /proc that names the namespaces of a process in the new one. */
function withUserNamespace(maps: IdMaps, action: (namespaces: string) => void): void {
  const { builder, ready } = programThatWaits({});
  builder.syscall('unshare', [cloneFlags.CLONE_NEWUSER]);
  ready(({ pid }) => {
    writeMap(`/proc/${pid}/uid_map`, maps.uidMappings);
    writeMap(`/proc/${pid}/gid_map`, maps.gidMappings);
    action(`/proc/${pid}/ns`);
  });
}

function writeMap(file: string, mappings: IdMaps['uidMappings']): void {
  const rows = mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`);
  fs.writeFileSync(file, rows.join('\n'));
}

function keep(namespace: string, path: string): void {
  fs.closeSync(fs.openSync(path, 'wx', 0o444));
  try {
    mount({ source: namespace, target: path, flags: mountFlags.MS_BIND });
  } catch (error) {
    fs.rmSync(path);
    throw error;
  }
}

/** A program to add steps to; `ready` starts it, calls `action` once the steps are done, and ends it. */
function programThatWaits(descriptors: Readonly<Record<string, number>>): {
  builder: ProgramBuilder;
  ready: (action: (loader: { pid: number }) => void) => void;
} {
  const builder = new ProgramBuilder();
  const [says, hears] = [builder.descriptor('says'), builder.descriptor('hears')];
  prologue(builder, { name: 'engined-userns', dumpable: true });
  builder.stage('enter the namespaces');
  return {
    builder,
    ready: (action) => {
      const byte = builder.reserve(8);
      builder.syscall('write', [says, byte, 1], { demand: 1 });
      builder.syscall('read', [hears, byte, 1]);
      runWaiting(builder.build(), descriptors, action);
    },
  };
}

function runWaiting(
  program: Program,
  descriptors: Readonly<Record<string, number>>,
  action: (loader: { pid: number }) => void,
): void {
  const [toUs, toThem] = [pipe(), pipe()];
  const ends = { says: toUs.writeEnd, hears: toThem.readEnd };
  let loader: ReturnType<typeof startLoader>;
  try {
    loader = startLoader(program, { descriptors: { ...descriptors, ...ends }, argv0: 'engined' });
  } catch (error) {
    for (const fd of [toUs.readEnd, toThem.writeEnd]) fs.closeSync(fd);
    throw error;
  } finally {
    for (const fd of Object.values(ends)) fs.closeSync(fd);
  }
  let resultIsOpen = true;
  try {
    if (fs.readSync(toUs.readEnd, Buffer.alloc(1)) !== 1) {
      resultIsOpen = false;
      const failure = readFailure(program, loader);
      throw failure
        ? failureError(program, failure)
        : new StackError('internal', 'the loader was killed');
    }
    action(loader);
  } finally {
    for (const fd of [toUs.readEnd, toThem.writeEnd]) fs.closeSync(fd);
    if (resultIsOpen) fs.closeSync(loader.result);
    waitPid(loader.pid);
  }
}
