/** `User` of a container or an exec, as numbers: looked up in the container's own passwd and group files. */
import type { ProcessUser } from '#spec/oci/process';
import { StackError } from '#spec/errors';
import type { RootFiles } from './root-files.ts';

interface PasswdEntry {
  name: string;
  uid: number;
  gid: number;
}

interface GroupEntry {
  name: string;
  gid: number;
  members: string[];
}

/**
 * `user`, `uid`, `user:group` or `uid:gid`; empty is root. Without a group the user's own groups are taken.
 * `additionalGroups` (GroupAdd) are names or numbers. Throws invalid_argument in docker's words for a name that the
 * root does not know.
 */
export function resolveUser(
  specification: string,
  additionalGroups: readonly string[],
  files: RootFiles,
): ProcessUser {
  const separator = specification.indexOf(':');
  const userPart = separator < 0 ? specification : specification.slice(0, separator);
  const groupPart = separator < 0 ? '' : specification.slice(separator + 1);
  const passwd = parsePasswd(files.read('/etc/passwd') ?? '');
  const groups = parseGroup(files.read('/etc/group') ?? '');

  // A number is never taken for a name, even where a user is called so.
  const uid = idOf(userPart || '0');
  const entry = passwd.find((candidate) =>
    uid === undefined ? candidate.name === userPart : candidate.uid === uid,
  );
  if (!entry && uid === undefined) {
    throw new StackError(
      'invalid_argument',
      `unable to find user ${userPart}: no matching entries in passwd file`,
    );
  }
  const own =
    groupPart === '' ? groups.filter(({ members }) => entry && members.includes(entry.name)) : [];
  const gid = groupPart === '' ? (entry?.gid ?? 0) : resolveGroup(groupPart, groups);
  const additional = [
    // The main group is a supplementary one, too: a program that gives it up still has what is denied to it.
    gid,
    ...own.map(({ gid }) => gid),
    ...additionalGroups.map((group) => resolveAdditionalGroup(group, groups)),
  ];
  return {
    uid: entry?.uid ?? uid ?? 0,
    gid,
    additionalGids: [...new Set(additional)],
  };
}

function resolveGroup(group: string, groups: readonly GroupEntry[]): number {
  return idOf(group) ?? resolveAdditionalGroup(group, groups);
}

/** Unlike in `User`, a group may be called by a number. */
function resolveAdditionalGroup(group: string, groups: readonly GroupEntry[]): number {
  const gid = groups.find(({ name }) => name === group)?.gid ?? idOf(group);
  if (gid !== undefined) return gid;
  throw new StackError(
    'invalid_argument',
    `unable to find group ${group}: no matching entries in group file`,
  );
}

/** Ids are 32 bits without a sign; docker stops at the largest signed number. */
const largestId = 0x7fff_ffff;

/** The number in `text`; undefined for a name. */
function idOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id > largestId) {
    throw new StackError('invalid_argument', `uids and gids must be in range 0-${largestId}`);
  }
  return id;
}

function parsePasswd(text: string): PasswdEntry[] {
  return records(text).flatMap(([name = '', , uid = '', gid = '']) =>
    /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [],
  );
}

function parseGroup(text: string): GroupEntry[] {
  return records(text).flatMap(([name = '', , gid = '', members = '']) =>
    /^\d+$/.test(gid)
      ? [{ name, gid: Number(gid), members: members.split(',').filter((member) => member !== '') }]
      : [],
  );
}

function records(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}
