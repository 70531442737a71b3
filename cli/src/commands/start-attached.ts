/** What `run`, `start -a` and `attach` share: stay connected to a container until it ends, and take over its exit code. */
import { constants } from 'node:os';
import { isStackError } from '#spec/errors';
import type { EngineClient } from '../client/engine-client.ts';
import {
  copyStreams,
  followTerminalSize,
  type AttachOptions,
} from '../terminal/attached-streams.ts';

interface WaitAnswer {
  StatusCode: number;
  Error?: { Message: string } | null;
}

export interface AttachedRun extends AttachOptions {
  stdout: boolean;
  stderr: boolean;
  /** Starts the container once everything listens; absent when it runs already. */
  start?: () => Promise<void>;
  /** Ends the wait: `next-exit`, or `removed` for containers that remove themselves. */
  waitCondition: 'next-exit' | 'removed' | 'not-running';
  /** Pass signals on to the container (never with a terminal: its driver does that). */
  forwardSignals: boolean;
}

/** Resolves to the container's exit code; 0 when the user detached. */
export async function runAttached(
  client: EngineClient,
  id: string,
  options: AttachedRun,
): Promise<number> {
  const connection = await client.hijack(`/containers/${id}/attach`, {
    query: {
      stream: 1,
      stdin: options.stdin ? 1 : undefined,
      stdout: options.stdout ? 1 : undefined,
      stderr: options.stderr ? 1 : undefined,
    },
  });
  // The daemon answers the headers at once: from here on no exit can be missed.
  const exit = await client.stream('POST', `/containers/${id}/wait`, {
    query: { condition: options.waitCondition },
  });
  const copying = copyStreams(connection, options);
  copying.catch(() => undefined); // looked at below, after start
  try {
    await options.start?.();
  } catch (error) {
    connection.socket.destroy();
    exit.destroy();
    throw error;
  }
  const stopSignals =
    options.forwardSignals && !options.tty ? forwardSignals(client, id) : () => undefined;
  const stopResizing = options.tty
    ? followTerminalSize((size) => client.json('POST', `/containers/${id}/resize`, { query: size }))
    : () => undefined;
  try {
    if ((await copying) === 'detached') {
      exit.destroy();
      return 0;
    }
    let body = '';
    for await (const chunk of exit) body += String(chunk);
    const answer = JSON.parse(body) as WaitAnswer;
    if (answer.Error?.Message) throw new Error(answer.Error.Message);
    return answer.StatusCode;
  } finally {
    stopSignals();
    stopResizing();
  }
}

/** Signals that mean something else for this process, or that cannot be caught. */
const ownSignals = new Set([
  'SIGKILL',
  'SIGSTOP',
  'SIGCHLD',
  'SIGPIPE',
  'SIGURG',
  'SIGWINCH',
  'SIGPROF',
]);
/** Raised by the processor or by V8 for itself: never sent by a user. */
const faultSignals = new Set([
  'SIGSEGV',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGIOT',
  'SIGSYS',
]);

function forwardSignals(client: EngineClient, id: string): () => void {
  const names = Object.keys(constants.signals).filter(
    (name) => !ownSignals.has(name) && !faultSignals.has(name),
  ) as NodeJS.Signals[];
  const forward = (signal: NodeJS.Signals): void => {
    client.json('POST', `/containers/${id}/kill`, { query: { signal } }).catch((error: unknown) => {
      // It may have ended between the signal and the call.
      if (!isStackError(error, 'conflict') && !isStackError(error, 'not_found')) {
        process.stderr.write(`cannot forward ${signal} to the container: ${String(error)}\n`);
      }
    });
  };
  for (const name of names) process.on(name, forward);
  return () => {
    for (const name of names) process.off(name, forward);
  };
}
