/** From gRPC's calls to our handlers: async functions and generators over plain messages. */
import grpc from '@grpc/grpc-js';
import { StackError } from '#spec/errors';
import type { AnyMethod, CallContext } from './service.ts';
import { leaseKey, namespaceKey } from './metadata.ts';
import { errorKindKey, statusOf } from './status.ts';

type AnyHandler = (request: unknown, context: CallContext) => unknown;

/** Told about every error that is not an expected one: those are bugs. */
export type ReportBug = (error: unknown, path: string) => void;

/** Told about every call that ended: its path (`package.Service/Method`), and how long it took. */
export type ReportCall = (path: string, durationMs: number) => void;

/** Who is told about what goes on in a server. */
export interface ServerReports {
  /** Errors that no handler should throw; the caller gets them as INTERNAL. */
  reportBug: ReportBug;
  reportCall?: ReportCall | undefined;
}

/** What an answer waits for, for example until what it tells is on the disk; undefined where there is nothing to wait for. */
export type BeforeAnswer = () => Promise<void> | undefined;

/** The grpc-js implementation of one method. */
export function implementationOf(
  path: string,
  method: AnyMethod,
  handler: AnyHandler,
  { reportBug, reportCall }: ServerReports,
  beforeAnswer: BeforeAnswer = () => undefined,
): grpc.UntypedHandleCall {
  const begin = (call: Parameters<typeof contextOf>[0]) => {
    const startedMs = performance.now();
    const { context, release } = contextOf(call);
    const end = (): void => {
      release();
      reportCall?.(path.slice(1), performance.now() - startedMs);
    };
    return { context, end };
  };
  const fail = (error: unknown) => {
    if (!(error instanceof StackError)) reportBug(error, path);
    return toServiceError(error);
  };
  if (method.kind === 'unary') {
    const handle: grpc.handleUnaryCall<unknown, unknown> = (call, callback) => {
      const { context, end } = begin(call);
      Promise.resolve(context)
        .then(() => handler(call.request, context))
        .finally(beforeAnswer)
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(fail(error)),
        )
        .finally(end);
    };
    return handle;
  }
  const stream = (
    call: grpc.ServerWritableStream<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>,
    request: unknown,
  ) => {
    const { context, end } = begin(call);
    Promise.resolve()
      .then(() => handler(request, context) as AsyncIterable<unknown>) // its kind says so
      .then((messages) => send(call, messages, context.signal, beforeAnswer))
      .finally(beforeAnswer)
      .then(
        () => call.end(),
        (error: unknown) => call.emit('error', fail(error)),
      )
      .finally(end);
  };
  if (method.kind === 'server_stream') {
    const handle: grpc.handleServerStreamingCall<unknown, unknown> = (call) => {
      stream(call, call.request);
    };
    return handle;
  }
  const handle: grpc.handleBidiStreamingCall<unknown, unknown> = (call) => {
    // A handler may stop reading before it has answered: that must not destroy the way back.
    stream(call, requestsOf(call.iterator({ destroyOnReturn: false })));
  };
  return handle;
}

/** A handler's namespace, which nearly every call needs. Throws conflict without one, as containerd does. */
export function requireNamespace({ namespace }: CallContext): string {
  if (namespace === '') throw new StackError('conflict', 'namespace is required');
  return namespace;
}

/** Writes what `messages` yields, no faster than the caller reads it. */
/** What the caller sends. That it breaks off, or sends what is no message, is its own doing. */
async function* requestsOf(requests: AsyncIterable<unknown>): AsyncGenerator {
  try {
    yield* requests;
  } catch (error) {
    throw new StackError('cancelled', 'the caller went away', { cause: error });
  }
}

async function send(
  call: grpc.ServerWritableStream<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>,
  messages: AsyncIterable<unknown>,
  signal: AbortSignal,
  beforeAnswer: BeforeAnswer,
): Promise<void> {
  for await (const message of messages) {
    await beforeAnswer();
    if (signal.aborted) throw new StackError('cancelled', 'the caller went away');
    if (!call.write(message)) await drained(call, signal);
  }
}

function drained(call: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.removeListener('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

function contextOf(call: {
  metadata: grpc.Metadata;
  cancelled: boolean;
  on(event: 'cancelled', listener: () => void): unknown;
  removeListener(event: 'cancelled', listener: () => void): unknown;
}): { context: CallContext; release: () => void } {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(call.metadata.getMap())) {
    if (typeof value === 'string') metadata[key] = value;
  }
  const abort = new AbortController();
  const cancelled = () => abort.abort(new StackError('cancelled', 'the caller went away'));
  if (call.cancelled) cancelled();
  call.on('cancelled', cancelled);
  return {
    context: {
      namespace: metadata[namespaceKey] ?? '',
      lease: metadata[leaseKey],
      signal: abort.signal,
      metadata,
    },
    release: () => call.removeListener('cancelled', cancelled),
  };
}

function toServiceError(error: unknown): Partial<grpc.StatusObject> & Error {
  const { code, message, kind } = statusOf(error);
  const metadata = new grpc.Metadata();
  metadata.set(errorKindKey, kind);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the table in status.ts holds gRPC's numbers
  const status: grpc.status = code;
  return Object.assign(new Error(message), { code: status, details: message, metadata });
}
