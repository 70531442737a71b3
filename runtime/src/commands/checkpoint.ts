/** `checkpoint`: writes a running container to images from which `restore` makes it again. */
import fs from 'node:fs';
import path from 'node:path';
import { requestTypes, type CriuOptions } from '#lib/criu/rpc';
import { askCriu, criuVersion, requireFeature } from '#lib/criu/session';
import { controllerDirectory, unifiedDirectory } from '#lib/cgroup/layout';
import { errorCode, StackError } from '#spec/errors';
import {
  configFile,
  criuFlags,
  criuPaths,
  openWorkDirectory,
  sharedOptions,
} from '../checkpoint/criu-flags.ts';
import { withCriuWords } from '../checkpoint/criu-failure.ts';
import { dumpedOutside, writeDescriptors } from '../checkpoint/outside.ts';
import type { Command, Invocation } from '../command-line/command.ts';
import type { Flags } from '../command-line/flags.ts';
import { checkContainerId } from '../container/container-id.ts';
import { destroyContainer, killContainer } from '../container/destroy.ts';
import { StateStore, type ContainerRecord } from '../container/state-store.ts';
import { statusOf } from '../container/status.ts';
import { recordedCgroup } from '../host/cgroups.ts';
import { inContext } from './error-context.ts';

const logName = 'dump.log';

export const checkpoint: Command = {
  usage: 'checkpoint [flags] <container-id>',
  description: 'write a running container to images (needs criu)',
  flags: {
    ...criuFlags,
    'parent-path': { kind: 'string', help: 'images of the dump before, relative to --image-path' },
    'leave-running': { kind: 'boolean', help: 'let the container go on' },
    'tcp-skip-in-flight': { kind: 'boolean', help: 'skip TCP connections that are being made' },
    'link-remap': { kind: 'boolean', help: 'link removed files that are open, to keep them' },
    'status-fd': { kind: 'number', help: 'gets a zero byte when pages can be asked for' },
    'page-server': { kind: 'string', help: 'ADDRESS:PORT of a page server that takes the memory' },
    'pre-dump': { kind: 'boolean', help: 'write only memory, and let the container go on' },
  },
  minimumArguments: 1,
  maximumArguments: 1,
  run: (invocation) => inContext('checkpoint failed', () => checkpointContainer(invocation)),
};

async function checkpointContainer({ flags, root, log }: Invocation): Promise<number> {
  const store = new StateStore(root);
  const record = store.read(checkContainerId(flags.positional[0]));
  const status = statusOf(record, store);
  if (status !== 'running' && status !== 'paused') {
    throw new StackError('conflict', `Container cannot be checkpointed in ${status} state`);
  }
  if (process.geteuid?.() !== 0) log.warn('checkpoint is untested with rootless containers');
  dump(record, flags);
  if (!flags.has('leave-running') && !flags.has('pre-dump')) {
    await killContainer(record); // criu has; this waits until somebody has seen its end
    await destroyContainer(record, store, (message) => log.warn(message));
  }
  return 0;
}

function dump(record: ContainerRecord, flags: Flags): void {
  const { images, work } = criuPaths(flags);
  const preDump = flags.has('pre-dump');
  const request: CriuOptions = {
    ...sharedOptions(flags),
    ...configFile(record.config.annotations),
    ...pageServer(flags.text('page-server')),
    ...freezer(record),
    pid: record.pid,
    root: record.rootfs,
    log_file: logName,
    leave_running: flags.has('leave-running'),
    tcp_skip_in_flight: flags.has('tcp-skip-in-flight'),
    link_remap: flags.has('link-remap'),
  };
  const statusFd = statusDescriptor(flags);
  fs.mkdirSync(images, { recursive: true, mode: 0o700 });
  const parent = parentImages(flags.text('parent-path'), images);
  const imagesFd = openWorkDirectory(images);
  const workFd = openWorkDirectory(work);
  try {
    // A log of an earlier dump would be taken for one of this.
    fs.rmSync(path.join(work, logName), { force: true });
    withCriuWords({ directory: work, name: logName }, () => {
      criuVersion(); // one that does not work on this kernel says so before anything is frozen
      if (preDump) requireFeature('mem_track');
      if (flags.has('lazy-pages')) requireFeature('lazy_pages');
      if (!preDump) writeDescriptors(images, record.pid, record.stdio);
      askCriu(
        {
          type: preDump ? requestTypes.PRE_DUMP : requestTypes.DUMP,
          opts: {
            ...request,
            ...parent,
            // criu opens them through /proc as descriptors of whoever asks it.
            images_dir_fd: imagesFd,
            work_dir_fd: workFd,
            ...(!preDump && dumpedOutside(record, record.pid)),
          },
        },
        {
          onNotify({ script }) {
            if (script !== 'status-ready' || statusFd === undefined) return;
            fs.writeSync(statusFd, Buffer.alloc(1));
            fs.closeSync(statusFd);
          },
        },
      );
    });
  } finally {
    fs.closeSync(imagesFd);
    fs.closeSync(workFd);
  }
}

/** ADDRESS:PORT; an IPv6 address stands in brackets. */
function pageServer(written: string | undefined): CriuOptions {
  if (!written) return {};
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(written);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (address === undefined || port < 1 || port > 65_535) {
    throw new StackError(
      'invalid_argument',
      'Use --page-server ADDRESS:PORT to specify page server',
    );
  }
  return { ps: { address, port } };
}

/** With the directory of the freezer criu stops all processes at once; without, one after the other. */
function freezer({ cgroupPath }: ContainerRecord): CriuOptions {
  const cgroup = recordedCgroup(cgroupPath);
  if (!cgroup) return {};
  const directory =
    cgroup.layout.version === 'v2'
      ? unifiedDirectory(cgroup)
      : controllerDirectory(cgroup, 'freezer');
  return directory === undefined ? {} : { freeze_cgroup: directory };
}

/** Images of an earlier dump: what has not changed since then is not written again. */
function parentImages(parent: string | undefined, images: string): CriuOptions {
  if (!parent) return {};
  if (path.isAbsolute(parent)) {
    throw new StackError('invalid_argument', '--parent-path must be relative');
  }
  const found = fs.statSync(path.join(images, parent), { throwIfNoEntry: false });
  if (!found?.isDirectory()) {
    const reason = found ? 'not a directory' : 'no such file or directory';
    throw new StackError(
      'invalid_argument',
      `invalid --parent-path: stat ${path.join(images, parent)}: ${reason}`,
    );
  }
  return { parent_img: parent, track_mem: true };
}

/** Throws invalid_argument for a descriptor that is not open for writing. */
function statusDescriptor(flags: Flags): number | undefined {
  const fd = flags.number('status-fd');
  if (fd === undefined || fd < 0 || !flags.has('lazy-pages')) return undefined;
  try {
    fs.writeSync(fd, Buffer.alloc(0));
    return fd;
  } catch (error) {
    const reason = errorCode(error) === 'EBADF' ? 'not open for writing' : errorCode(error);
    throw new StackError('invalid_argument', `invalid --status-fd argument ${fd}: ${reason}`);
  }
}
