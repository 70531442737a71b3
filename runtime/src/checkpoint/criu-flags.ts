/** The flags that `checkpoint` and `restore` share, read into what criu is asked. */
import fs from 'node:fs';
import path from 'node:path';
import { cgroupModes, type CriuOptions } from '#lib/criu/rpc';
import { cloneFlags } from '#lib/sys/flags';
import { errorCode, StackError } from '#spec/errors';
import type { FlagSpecs, Flags } from '../command-line/flags.ts';

export const criuFlags: FlagSpecs = {
  'image-path': { kind: 'string', help: 'directory of the images; default: ./checkpoint' },
  'work-path': { kind: 'string', help: "directory for criu's log and other work files" },
  'tcp-established': { kind: 'boolean', help: 'allow open TCP connections' },
  'ext-unix-sk': { kind: 'boolean', help: 'allow unix sockets connected to the outside' },
  'shell-job': { kind: 'boolean', help: 'allow a session that began outside' },
  'lazy-pages': { kind: 'boolean', help: 'hand over memory on demand (userfaultfd)' },
  'file-locks': { kind: 'boolean', help: 'allow file locks' },
  'manage-cgroups-mode': {
    kind: 'string',
    help: 'soft, full, strict or ignore: what happens to cgroups and their limits',
  },
  'empty-ns': { kind: 'list', help: 'leave this kind of namespace empty: network' },
  'auto-dedup': { kind: 'boolean', help: 'drop memory pages that a later image holds, too' },
};

/** Directories that criu works in. */
export interface CriuPaths {
  readonly images: string;
  /** Where its log lies: the work path, or the images. */
  readonly work: string;
}

/** Absolute; nothing is made. */
export function criuPaths(flags: Flags): CriuPaths {
  const images = path.resolve(flags.text('image-path') || 'checkpoint');
  const work = flags.text('work-path');
  return { images, work: work ? path.resolve(work) : images };
}

/** Throws invalid_argument for a mode or a namespace that there is not. */
export function sharedOptions(flags: Flags): CriuOptions {
  return {
    tcp_established: flags.has('tcp-established'),
    ext_unix_sk: flags.has('ext-unix-sk'),
    shell_job: flags.has('shell-job'),
    lazy_pages: flags.has('lazy-pages'),
    file_locks: flags.has('file-locks'),
    auto_dedup: flags.has('auto-dedup'),
    manage_cgroups: true,
    manage_cgroups_mode: cgroupMode(flags.text('manage-cgroups-mode')),
    empty_ns: emptyNamespaces(flags.list('empty-ns')),
    log_level: 4,
    notify_scripts: true,
    orphan_pts_master: true,
  };
}

function cgroupMode(written: string | undefined): number {
  if (!written) return cgroupModes.default;
  if (written !== 'default' && Object.hasOwn(cgroupModes, written)) {
    return cgroupModes[written as keyof typeof cgroupModes];
  }
  throw new StackError('invalid_argument', 'Invalid manage-cgroups-mode value');
}

/** The network namespace always: its devices are made by whoever made them the first time, as with runc. */
function emptyNamespaces(names: readonly string[]): number {
  for (const name of names) {
    if (name !== 'network') {
      throw new StackError('invalid_argument', `namespace "${name}" is not supported`);
    }
  }
  return cloneFlags.CLONE_NEWNET;
}

/** Settings that criu reads from a file, which win over the request: annotation `org.criu.config`, as with runc. */
export function configFile(annotations: Readonly<Record<string, string>> = {}): CriuOptions {
  const named = annotations['org.criu.config'];
  if (named === '') return {};
  return { config_file: named ?? '/etc/criu/runc.conf' };
}

/** Makes `directory` if need be and opens it. */
export function openWorkDirectory(directory: string): number {
  try {
    fs.mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  return fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
}
