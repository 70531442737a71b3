/** What a registry says when it refuses (distribution API, "Errors"): a list of codes with messages, or just a status. */
import { StackError, type ErrorKind } from '#spec/errors';

const kindByStatus: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  416: 'out_of_range',
  429: 'resource_exhausted',
};

/** A refusal with the registry's own code, `MANIFEST_UNKNOWN`, `DENIED`, … */
export class RegistryError extends StackError {
  override readonly name = 'RegistryError';
  readonly code: string;

  constructor(kind: ErrorKind, message: string, code: string) {
    super(kind, message);
    this.code = code;
  }
}

/** The error that an answer with `status` and `body` is, in the words of docker's client: `manifest unknown: manifest unknown`. */
export function registryErrorOf(status: number, body: string, url: string): RegistryError {
  const kind = kindByStatus[status] ?? (status >= 500 ? 'unavailable' : 'internal');
  const [first] = errorsIn(body);
  if (!first) {
    const message = `received unexpected HTTP status ${status} from ${url}`;
    return new RegistryError(kind, message, '');
  }
  const code = first.code.toLowerCase().replaceAll('_', ' ');
  const message = first.message === '' ? code : first.message;
  return new RegistryError(kind, `${code}: ${message}`, first.code);
}

function errorsIn(body: string): { code: string; message: string }[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return []; // a proxy's page, not a registry's answer
  }
  if (typeof value !== 'object' || value === null || !('errors' in value)) return [];
  const { errors } = value;
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('code' in entry)) return [];
    const message = 'message' in entry && typeof entry.message === 'string' ? entry.message : '';
    return typeof entry.code === 'string' ? [{ code: entry.code, message }] : [];
  });
}
