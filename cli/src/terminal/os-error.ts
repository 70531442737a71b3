/** What the operating system refused, in the words that Go's programs print. */
import { errorCode, messageOf } from '#spec/errors';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'file exists',
  EISDIR: 'is a directory',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
};

/** `open /no/file: no such file or directory` */
export function osErrorText(operation: string, file: string, error: unknown): string {
  return `${operation} ${file}: ${reasons[errorCode(error) ?? ''] ?? messageOf(error)}`;
}
