/** The group that may talk to the engine through its socket (`-G`). */
import fs from 'node:fs';
import { StackError } from '#spec/errors';

/** Used where it exists, when no other is named. */
export const defaultSocketGroup = 'engine';

/** The id of the group, by name or number; undefined where the default group does not exist. Throws invalid_argument. */
export function socketGroupId(name: string | undefined, file = '/etc/group'): number | undefined {
  if (name === '') return undefined;
  const wanted = name ?? defaultSocketGroup;
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const [group, , id] = line.split(':');
    if (group === wanted && id !== undefined) return Number(id);
  }
  if (/^\d{1,9}$/.test(wanted)) return Number(wanted);
  if (name === undefined) return undefined;
  throw new StackError('invalid_argument', `failed to load listeners: group ${wanted} not found`);
}
