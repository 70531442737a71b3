/** What can go wrong between asking a registry and having its answer. */
import { FetchError } from 'node-fetch';
import { errorCode, messageOf, StackError, type ErrorKind } from '#spec/errors';

/** Answered with 401: what the registry wants to see. */
export class AuthenticationRequired extends StackError {
  override readonly name = 'AuthenticationRequired';
  readonly challenge: string;

  constructor(cause: StackError, challenge: string) {
    super(cause.kind, cause.message, { cause });
    this.challenge = challenge;
  }
}

/** `429` and `5xx`: asking again later may help. */
export class TemporaryFailure extends StackError {
  override readonly name = 'TemporaryFailure';
  /** What the server asked for; undefined leaves it to the client. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: ErrorKind, message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(kind, message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Connections that fail, in the words that Go's client has for it. */
export function connectionError(
  method: string,
  url: string,
  error: unknown,
  timedOut: boolean,
): StackError {
  const { host, hostname, port, protocol } = new URL(url);
  const address = port === '' ? `${hostname}:${protocol === 'https:' ? 443 : 80}` : host;
  const verb = `${method.charAt(0)}${method.slice(1).toLowerCase()} "${url}"`;
  const code = error instanceof FetchError ? error.code : errorCode(error);
  const options = { cause: error };
  switch (timedOut ? 'ETIMEDOUT' : code) {
    case 'ECONNREFUSED':
      return new StackError(
        'unavailable',
        `${verb}: dial tcp ${address}: connect: connection refused`,
        options,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StackError(
        'unavailable',
        `${verb}: dial tcp: lookup ${hostname}: no such host`,
        options,
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return new StackError(
        'unavailable',
        `${verb}: dial tcp ${address}: connect: no route to host`,
        options,
      );
    case 'ETIMEDOUT':
      return new TemporaryFailure(
        'unavailable',
        `${verb}: dial tcp ${address}: i/o timeout`,
        undefined,
        options,
      );
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return new StackError(
        'unavailable',
        `${verb}: http: server gave HTTP response to HTTPS client`,
        options,
      );
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return new TemporaryFailure('unavailable', `${verb}: EOF`, undefined, options);
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return new StackError(
        'unavailable',
        `${verb}: x509: certificate signed by unknown authority`,
        options,
      );
    default:
      return new StackError('unavailable', `${verb}: ${messageOf(error)}`, options);
  }
}
