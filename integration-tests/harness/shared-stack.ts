/** One stack for all tests that neither kill daemons nor need their own options: starting one costs a second. */
import { Stack } from './stack.ts';

let shared: Promise<Stack> | undefined;

/** The shared stack, started by the first who asks. */
export function sharedStack(): Promise<Stack> {
  shared ??= Stack.start();
  return shared;
}

/** Stops it if it was started. */
export async function stopSharedStack(): Promise<void> {
  const stack = await shared;
  shared = undefined;
  await stack?.stop();
}
