/**
 * A read-only root at the restore. criu (4.2) makes a directory in the new root on its way in, which it cannot in a
 * read-only one. So it is shown images in which the root can be written to, and the root is made read-only again
 * before any process goes on.
 */
import fs from 'node:fs';
import path from 'node:path';
import { u64 } from '#lib/loader/data';
import { ProgramBuilder } from '#lib/loader/program';
import { prologue } from '#lib/loader/sequences';
import { readFailure, startLoader } from '#lib/loader/spawn-loader';
import { cloneFlags, mountAttributes } from '#lib/sys/flags';
import { waitPid } from '#lib/sys/posix-spawn';
import { AT_FDCWD } from '#lib/sys/file';
import { StackError } from '#spec/errors';
import { clearReadOnlyRoot } from './mountpoints-image.ts';

const mountpointsImage = /^mountpoints-\d+\.img$/;

/**
 * Fills the new directory `view` with links to `images`, and changed copies of what describes the mounts. The links are
 * relative: criu also follows them when its root is the container's, and upwards from a directory that it holds open
 * no root stands in the way.
 */
export function viewWithWritableRoot(images: string, view: string): void {
  fs.mkdirSync(view, { mode: 0o700 });
  const towards = path.relative(fs.realpathSync(view), fs.realpathSync(images));
  for (const name of fs.readdirSync(images)) {
    const original = path.join(images, name);
    if (mountpointsImage.test(name)) {
      const image = fs.readFileSync(original);
      clearReadOnlyRoot(image);
      fs.writeFileSync(path.join(view, name), image, { mode: 0o600 });
    } else {
      fs.symlinkSync(path.join(towards, name), path.join(view, name));
    }
  }
}

/** Makes the root of the mount namespace that the process `pid` is in read-only. Throws if that is not possible. */
export function makeRootReadOnly(pid: number): void {
  const builder = new ProgramBuilder();
  const namespace = builder.descriptor('mount namespace');
  prologue(builder, { name: 'runtime:root' });
  builder.stage('make the root read-only').from('root.readonly');
  builder.syscall('setns', [namespace, cloneFlags.CLONE_NEWNS]);
  const attributes = builder.struct('mount_attr', {
    attr_set: u64(mountAttributes.MOUNT_ATTR_RDONLY),
    attr_clr: u64(0),
    propagation: u64(0),
    userns_fd: u64(0),
  });
  const root = builder.string('/');
  builder.syscall('mount_setattr', [AT_FDCWD, root, 0, attributes, attributes.size]);
  const program = builder.build();
  const fd = fs.openSync(`/proc/${pid}/ns/mnt`, 'r');
  try {
    const loader = startLoader(program, {
      descriptors: { 'mount namespace': fd },
      argv0: 'runtime',
    });
    const failure = readFailure(program, loader);
    waitPid(loader.pid);
    if (failure) {
      const reason = failure.code ?? String(failure.result);
      throw new StackError('internal', `root.readonly: cannot make the root read-only: ${reason}`);
    }
  } finally {
    fs.closeSync(fd);
  }
}
