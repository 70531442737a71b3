/** Names that containerd restricts: ids of containers, tasks, execs and namespaces. */
import { StackError } from '#spec/errors';

const maxLength = 76;
const pattern = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;

/** Throws invalid_argument unless `text` is an identifier; `what` says whose (`container id`). */
export function requireIdentifier(text: string, what: string): void {
  if (text === '') throw new StackError('invalid_argument', `${what} must not be empty`);
  if (text.length > maxLength) {
    throw new StackError(
      'invalid_argument',
      `${what} "${text}" has more than ${maxLength} characters`,
    );
  }
  if (!pattern.test(text)) {
    throw new StackError(
      'invalid_argument',
      `${what} "${text}" must match ${pattern.source.replaceAll('?:', '')}`,
    );
  }
}
