/** Errors on their way out: each kind's HTTP status, and the JSON body that clients print. */
import { isStackError, messageOf, type ErrorKind } from '#spec/errors';

const statusByKind = {
  invalid_argument: 400,
  out_of_range: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  aborted: 409,
  not_modified: 304,
  unimplemented: 501,
  unavailable: 503,
  resource_exhausted: 500,
  deadline_exceeded: 500,
  cancelled: 500,
  data_loss: 500,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;

export interface ErrorResponse {
  status: number;
  /** Absent for 304, which has no body. */
  body?: { message: string };
  /** Whether this is a bug, to be logged with its stack. */
  unexpected: boolean;
}

/** What a client is told about whatever was thrown. */
export function errorResponse(error: unknown): ErrorResponse {
  if (!isStackError(error)) {
    return { status: 500, body: { message: messageOf(error) }, unexpected: true };
  }
  const status = statusByKind[error.kind];
  if (status === 304) return { status, unexpected: false };
  return { status, body: { message: error.message }, unexpected: error.kind === 'internal' };
}
