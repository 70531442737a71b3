/** A client's connection to a container's or an exec's stdin, stdout and stderr. */
import type { Socket } from 'node:net';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { DetachDetector } from './detach-keys.ts';

export interface StdinSession {
  /** What the client sends. */
  input: Readable;
  /** Where it goes; resolves when the process is there to take it. */
  stdin: Promise<Socket | undefined>;
  /** Bytes that mean: leave. Undefined without a terminal. */
  detachKeys: Buffer | undefined;
}

export type StdinEnd = 'eof' | 'detached' | 'closed';

/**
 * Copies until the client's input ends (`eof`), it typed the detach keys (`detached`), or either side is gone
 * (`closed`). Does not close stdin.
 */
export async function copyStdin({ input, stdin, detachKeys }: StdinSession): Promise<StdinEnd> {
  const target = await stdin;
  if (!target) return 'closed';
  const detector = detachKeys && new DetachDetector(detachKeys);
  try {
    // Input is one direction of a connection, whose other direction goes on: the loop must not destroy it.
    const chunks = input.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) {
      const { pass, detach } = detector?.feed(chunk) ?? { pass: chunk, detach: false };
      if (target.destroyed) return 'closed';
      if (pass.length > 0 && !target.write(pass)) await drained(target);
      if (detach) return 'detached';
    }
    return 'eof';
  } catch {
    return 'closed'; // the client's connection broke
  }
}

/** Resolves when everything written has left this process, or nobody is there to take it. */
export async function flushed(stdin: Socket): Promise<void> {
  if (stdin.destroyed || stdin.writableLength === 0) return;
  // Not 'drain', which comes only after a write that was told to wait. The callback comes in turn, or with an error.
  await new Promise<void>((resolve) => {
    stdin.write('', () => resolve());
  });
}

async function drained(stdin: Socket): Promise<void> {
  if (stdin.destroyed || stdin.writableLength === 0) return;
  const stop = new AbortController();
  try {
    await Promise.race([
      once(stdin, 'drain', { signal: stop.signal }),
      once(stdin, 'close', { signal: stop.signal }),
    ]);
  } finally {
    stop.abort();
  }
}
