/** Puts what was attempted before what went wrong, as runc words it: `runtime create failed: …`. */
import { isStackError, messageOf, StackError } from '#spec/errors';

export async function inContext<T>(attempt: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isStackError(error) || (error instanceof Error && 'code' in error)) {
      const kind = isStackError(error) ? error.kind : 'internal';
      throw new StackError(kind, `${attempt}: ${messageOf(error)}`, { cause: error });
    }
    throw error;
  }
}
