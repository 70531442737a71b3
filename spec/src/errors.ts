/**
 * What can be expected to go wrong, in terms of what the caller can do about it (not where it happened).
 * Each boundary translates kinds once: gRPC codes in proto, HTTP statuses in engine, exit codes in cli.
 */
export const errorKinds = [
  'invalid_argument',
  'not_found',
  'already_exists',
  'conflict',
  'not_modified',
  'unauthenticated',
  'permission_denied',
  'out_of_range',
  'aborted',
  'resource_exhausted',
  'unavailable',
  'deadline_exceeded',
  'cancelled',
  'unimplemented',
  'data_loss',
  'internal',
] as const;

/** See {@link errorKinds}. */
export type ErrorKind = (typeof errorKinds)[number];

/**
 * An expected failure. Anything else that is thrown is a bug and is logged with its stack.
 * Messages are lower case, have no final period, quote values, and say what was attempted and then why:
 * `cannot start container "web": image "nginx:9" is not present`.
 */
export class StackError extends Error {
  override readonly name: string = 'StackError';
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * Whether `error` is a {@link StackError}, of `kind` if one is given. An executable of several bundles has this class
 * several times: what they throw at each other is told by its kind.
 */
export function isStackError(error: unknown, kind?: ErrorKind): error is StackError {
  if (!(error instanceof Error) || !('kind' in error)) return false;
  if (kind !== undefined) return error.kind === kind;
  return errorKinds.some((known) => known === error.kind);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node or system call error (`ENOENT`, `ECONNREFUSED`, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
