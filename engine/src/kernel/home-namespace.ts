/** The kernel thread's stay in the host's network namespace, and its short visits to others. */
import fs from 'node:fs';
import { cloneFlags } from '#lib/sys/flags';
import { setns, unshare } from '#lib/sys/namespace';

/** The calling thread's network namespace; `/proc/self` would name the main thread's. */
export const threadNetworkNamespace = '/proc/thread-self/ns/net';

/** The thread cannot get back to the host's namespace: it must not serve another request. */
export class LostThreadError extends Error {
  override readonly name = 'LostThreadError';
}

export class HomeNamespace {
  readonly #fd = fs.openSync(threadNetworkNamespace, 'r');

  /** Runs `action`, which must be synchronous, inside a new network namespace. */
  insideNew<Result>(action: () => Result): Result {
    unshare(cloneFlags.CLONE_NEWNET);
    return this.#comeBackAfter(action);
  }

  /** Runs `action`, which must be synchronous, inside the network namespace that the file stands for. */
  inside<Result>(file: string, action: () => Result): Result {
    const fd = fs.openSync(file, 'r');
    try {
      setns(fd, cloneFlags.CLONE_NEWNET);
    } finally {
      fs.closeSync(fd);
    }
    return this.#comeBackAfter(action);
  }

  #comeBackAfter<Result>(action: () => Result): Result {
    try {
      return action();
    } finally {
      try {
        setns(this.#fd, cloneFlags.CLONE_NEWNET);
      } catch (error) {
        // Whatever happened inside matters less than a thread that would configure the wrong host.
        throw new LostThreadError('cannot return to the network namespace of the host', {
          cause: error,
        });
      }
    }
  }
}
