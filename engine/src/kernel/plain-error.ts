/** Errors on their way between threads, which pass on plain values only. */
import { errorCode, isStackError, messageOf, StackError, type ErrorKind } from '#spec/errors';

/** An error as a plain value: expected ones keep their kind and code, bugs their stack. */
export interface PlainError {
  readonly message: string;
  readonly kind?: ErrorKind;
  readonly code?: string;
  readonly stack?: string;
}

/** An error as what another thread can be sent. */
export function plainError(error: unknown): PlainError {
  const code = errorCode(error);
  const stack = error instanceof Error && !isStackError(error) ? error.stack : undefined;
  return {
    message: messageOf(error),
    ...(isStackError(error) && { kind: error.kind }),
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack }),
  };
}

/** The error that another thread caught, as one of this thread. */
export function thrownError({ message, kind, code, stack }: PlainError): Error {
  const error = kind === undefined ? new Error(message) : new StackError(kind, message);
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}
