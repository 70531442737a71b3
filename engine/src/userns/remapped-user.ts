/** `--userns-remap`: whose subordinate ids containers get, as dockerd reads it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { errorCode, messageOf, StackError } from '#spec/errors';
import type { IdMapping } from '#spec/oci/mount';
import type { IdMaps } from './id-map.ts';

/** The user that docker makes for `default`; its name is also that of ours, so that a host's ranges stay what they were. */
const defaultUser = 'dockremap';

/** As docker: where ranges begin that nobody has chosen, and how long they are. */
const firstSubordinateId = 100_000;
const rangeLength = 65_536;

/** The files of the host that name users and their ranges. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
  readonly subuid: string;
  readonly subgid: string;
}

const hostFiles: UserFiles = {
  passwd: '/etc/passwd',
  group: '/etc/group',
  subuid: '/etc/subuid',
  subgid: '/etc/subgid',
};

/**
 * The maps for `default`, `user`, `user:group`, `uid` or `uid:gid`; undefined for root, who is not remapped. `default`
 * makes the user and its ranges where they are missing. Throws invalid_argument in docker's words for who is not there.
 */
export function remappedUser(text: string, files: UserFiles = hostFiles): IdMaps | undefined {
  const name = userOf(text, files);
  if (name === 'root') return undefined;
  return {
    uidMappings: mappingsOf(name, idOf(files.passwd, name), files.subuid, 'subuid'),
    gidMappings: mappingsOf(name, idOf(files.passwd, name), files.subgid, 'subgid'),
  };
}

/** The group is looked up only: docker takes the ranges of both files by the user's name. */
function userOf(text: string, files: UserFiles): string {
  const [wanted = '', group, ...more] = text.split(':');
  if (more.length > 0) {
    throw invalid(`Invalid user/group specification in --userns-remap: ${JSON.stringify(text)}`);
  }
  const isNumber = /^-?\d+$/.test(wanted);
  const user = isNumber
    ? nameOf(files.passwd, Number(wanted))
    : knownName(files.passwd, wanted === 'default' ? defaultUser : wanted);
  if (user === undefined) {
    if (wanted === 'default') return createDefaultUser(files);
    throw invalid(
      isNumber
        ? `Uid ${wanted} has no entry in /etc/passwd: no matching entries in passwd file`
        : `Error during uid lookup for ${JSON.stringify(wanted)}: no matching entries in passwd file`,
    );
  }
  checkGroup(group ?? (isNumber ? wanted : user), group !== undefined, files);
  return user;
}

function checkGroup(group: string, isChosen: boolean, files: UserFiles): void {
  const isNumber = /^-?\d+$/.test(group);
  const found = isNumber ? nameOf(files.group, Number(group)) : knownName(files.group, group);
  if (found !== undefined) return;
  const reason = 'no matching entries in group file';
  if (isNumber) {
    const file = isChosen ? '/etc/passwd' : '/etc/group'; // docker's own slip
    throw invalid(`Gid ${group} has no entry in ${file}: ${reason}`);
  }
  const kind = isChosen ? 'groupname' : 'gid';
  throw invalid(`Error during ${kind} lookup for ${JSON.stringify(group)}: ${reason}`);
}

/** Ranges of a user one behind the other, from id 0 of the container on. */
function mappingsOf(name: string, id: number | undefined, file: string, kind: string): IdMapping[] {
  const ranges = rangesIn(file)
    .filter(({ owner }) => owner === name || owner === String(id))
    .sort((a, b) => a.first - b.first);
  if (ranges.length === 0) {
    throw invalid(
      `Can't create ID mappings: no ${kind} ranges found for user ${JSON.stringify(name)}`,
    );
  }
  let containerID = 0;
  return ranges.map(({ first: hostID, size }) => {
    const mapping = { containerID, hostID, size };
    containerID += size;
    return mapping;
  });
}

interface SubordinateRange {
  owner: string;
  first: number;
  size: number;
}

/** Lines `name-or-id:first:count`. */
function rangesIn(file: string): SubordinateRange[] {
  return linesOf(file).flatMap((line) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [owner = '', first = '', size = '', ...more] = line.split(':');
    if (!/^\d+$/.test(first) || !/^\d+$/.test(size) || more.length > 0) {
      throw invalid(`Cannot parse subuid/gid information: Format not correct for ${file} file`);
    }
    return [{ owner, first: Number(first), size: Number(size) }];
  });
}

/** With the programs that dockerd takes. */
function createDefaultUser(files: UserFiles): string {
  const adduser = [
    ...['--system', '--shell', '/bin/false', '--no-create-home', '--disabled-login'],
    ...['--disabled-password', '--group', defaultUser],
  ];
  if (!ran('adduser', adduser) && !ran('useradd', ['-r', '-s', '/bin/false', defaultUser])) {
    throw creationFailure('cannot add user; no useradd/adduser binary found');
  }
  for (const [flag, file] of [
    ['-v', files.subuid],
    ['-w', files.subgid],
  ] as const) {
    const ranges = rangesIn(file).sort((a, b) => a.first - b.first);
    if (ranges.some(({ owner }) => owner === defaultUser)) continue;
    let first = firstSubordinateId;
    for (const range of ranges) {
      if (range.first < first + rangeLength && first < range.first + range.size) {
        first = range.first + range.size;
      }
    }
    if (!ran('usermod', [flag, `${first}-${first + rangeLength - 1}`, defaultUser])) {
      throw creationFailure("couldn't create subordinate ID ranges: no usermod binary found");
    }
  }
  return defaultUser;
}

/** Whether there is such a program. Throws what it complains. */
function ran(program: string, args: readonly string[]): boolean {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (errorCode(error) === 'ENOENT') return false;
  if (status !== 0) {
    throw creationFailure(`${program} failed: ${error ? messageOf(error) : stderr.trim()}`);
  }
  return true;
}

function creationFailure(reason: string): StackError {
  return new StackError('internal', `Error during "${defaultUser}" user creation: ${reason}`);
}

function knownName(file: string, name: string): string | undefined {
  return entriesOf(file).find((entry) => entry.name === name)?.name;
}

function nameOf(file: string, id: number): string | undefined {
  return entriesOf(file).find((entry) => entry.id === id)?.name;
}

function idOf(file: string, name: string): number | undefined {
  return entriesOf(file).find((entry) => entry.name === name)?.id;
}

/** Both passwd and group have name and number in the first and third field. */
function entriesOf(file: string): { name: string; id: number }[] {
  return linesOf(file).map((line) => {
    const [name = '', , id = ''] = line.split(':');
    return { name, id: Number(id) };
  });
}

function linesOf(file: string): string[] {
  try {
    return fs.readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
