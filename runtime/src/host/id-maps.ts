/** Writes the id maps and time offsets of the loader while it waits for them. */
import fs from 'node:fs';
import { errorCode, messageOf, StackError } from '#spec/errors';
import type { LinuxConfig } from '#spec/oci/linux';
import type { IdMapping } from '#spec/oci/mount';

/** Maps what `linux.uidMappings`, `linux.gidMappings` and `linux.timeOffsets` say; `pid` is the waiting loader. */
export function writeNamespaceMaps(pid: number, linux: LinuxConfig): void {
  const namespaces = new Set(linux.namespaces?.filter(({ path }) => !path).map(({ type }) => type));
  if (namespaces.has('user')) {
    const { uidMappings = [], gidMappings = [] } = linux;
    if (uidMappings.length === 0 || gidMappings.length === 0) {
      throw new StackError(
        'invalid_argument',
        'linux.uidMappings: a user namespace needs uidMappings and gidMappings',
      );
    }
    writeIdMaps(pid, { uidMappings, gidMappings });
  }
  if (namespaces.has('time')) writeTimeOffsets(pid, linux);
}

export interface IdMaps {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** Writes both maps of the user namespace that `pid` has just made. */
export function writeIdMaps(pid: number, { uidMappings, gidMappings }: IdMaps): void {
  writeMap(pid, 'uid', uidMappings);
  // Without privileges the kernel takes a gid map only after setgroups was given up.
  if (isOwnId(gidMappings, process.getegid?.() ?? 0)) {
    fs.writeFileSync(`/proc/${pid}/setgroups`, 'deny');
  }
  writeMap(pid, 'gid', gidMappings);
}

function isOwnId(mappings: readonly IdMapping[], id: number): boolean {
  const [only, ...others] = mappings;
  return process.geteuid?.() !== 0 && others.length === 0 && only?.size === 1 && only.hostID === id;
}

function writeMap(pid: number, kind: 'uid' | 'gid', mappings: readonly IdMapping[]): void {
  const own = kind === 'uid' ? process.geteuid?.() : process.getegid?.();
  const rows = mappings.map(({ containerID, hostID, size }) => [containerID, hostID, size]);
  if (process.geteuid?.() === 0 || isOwnId(mappings, own ?? 0)) {
    try {
      fs.writeFileSync(`/proc/${pid}/${kind}_map`, rows.map((row) => row.join(' ')).join('\n'));
      return;
    } catch (error) {
      throw new StackError(
        'permission_denied',
        `linux.${kind}Mappings: cannot map ${rows.join('; ')}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const tool = `new${kind}map`;
  const { status, stderr, error } = spawnSync(tool, [pid, ...rows.flat()].map(String));
  if (status === 0) return;
  if (errorCode(error) === 'ENOENT') {
    throw new StackError(
      'permission_denied',
      `linux.${kind}Mappings: an ordinary user may map no more than its own id without ${tool}, which is not installed (Debian package uidmap)`,
    );
  }
  const reason = error ? error.message : stderr.toString().trim();
  throw new StackError('permission_denied', `linux.${kind}Mappings: ${tool} failed: ${reason}`);
}

function writeTimeOffsets(pid: number, { timeOffsets = {} }: LinuxConfig): void {
  const lines = Object.entries(timeOffsets).map(
    ([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  if (lines.length === 0) return;
  try {
    fs.writeFileSync(`/proc/${pid}/timens_offsets`, lines.join(''));
  } catch (error) {
    throw new StackError(
      'invalid_argument',
      `linux.timeOffsets: cannot set ${lines.join('').trim().replaceAll('\n', ', ')}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
