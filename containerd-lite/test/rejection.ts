/** Expecting failures of asynchronous calls. */
import { expect } from 'chai';
import { StackError, type ErrorKind } from '#spec/errors';

/** Fails unless `action` rejects with an expected error of `kind` whose message holds `text`. */
export async function expectRejection(
  action: Promise<unknown>,
  kind: ErrorKind,
  text = '',
): Promise<void> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(StackError);
  expect(error).to.include({ kind });
  expect((error as StackError).message).to.contain(text); // instanceOf has just said so
}
