/** Names of containers: they become directory names below the runtime's root. */
import { StackError } from '#spec/errors';

/** Returns `id`, or throws invalid_argument: letters, digits, and `_ + - .`, but neither `.` nor `..`. */
export function checkContainerId(id: string | undefined): string {
  if (id === undefined || id === '') {
    throw new StackError('invalid_argument', 'container id cannot be empty');
  }
  if (!/^[\w+\-.]+$/.test(id) || id === '.' || id === '..') {
    throw new StackError('invalid_argument', `invalid container id format: "${id}"`);
  }
  return id;
}
