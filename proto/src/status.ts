/** Error kinds to gRPC codes and back. ttrpc uses the same codes. */
import { StackError, errorKinds, messageOf, type ErrorKind } from '#spec/errors';

/** gRPC has fewer codes than we have kinds, so between our own processes the exact kind travels in this metadata. */
export const errorKindKey = 'x-error-kind';

const unknownCode = 2;

const codeByKind = {
  cancelled: 1,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  conflict: 9,
  not_modified: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
} as const satisfies Record<ErrorKind, number>;

/** The kind of each code above; of 9 the general one. */
const kindByCode = new Map<number, ErrorKind>(
  errorKinds.filter((kind) => kind !== 'not_modified').map((kind) => [codeByKind[kind], kind]),
);

/**
 * A failure that a program below reported in its own words. It travels with the code UNKNOWN, as containerd's own
 * shims send it: clients append `: unknown` and then look for what they know in the message.
 */
export class ReportedError extends StackError {
  constructor(message: string, options?: ErrorOptions) {
    super('internal', message, options);
  }
}

/** What goes over the wire for an error. */
export interface Status {
  code: number;
  message: string;
  kind: ErrorKind;
}

/** The status for whatever a handler threw. */
export function statusOf(error: unknown): Status {
  const kind = error instanceof StackError ? error.kind : 'internal';
  const code = error instanceof ReportedError ? unknownCode : codeByKind[kind];
  return { code, message: messageOf(error), kind };
}

/** The error for a status that was received; `kind` is the text in {@link errorKindKey}, if any. Keeps the message as it is. */
export function errorOf(code: number, message: string, kind?: string): StackError {
  if (code === unknownCode) return new ReportedError(message);
  const exact = errorKinds.find((known) => known === kind && codeByKind[known] === code);
  return new StackError(exact ?? kindByCode.get(code) ?? 'internal', message);
}
