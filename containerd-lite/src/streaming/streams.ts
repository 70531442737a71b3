/// <reference lib="es2024.promise" />
/**
 * Streams that a client opens beside its calls and names in them (containerd.services.streaming.v1). A stream lives as
 * long as its call: until the client goes or whoever took it closes it.
 *
 *     client                          daemon
 *       | Stream: StreamInit{id} ------->| registered under namespace and id
 *       |<--------------------- Empty    |
 *       | Transfer(… id …) ------------->| get(id)
 *       |<=== any messages, both ways ==>|
 */
import { StackError } from '#spec/errors';
import { packAny, unpackAny } from '#proto/any';
import { StreamInit } from '#proto/generated/containerd.services.streaming.v1';
import { Empty, type Any } from '#proto/generated/google.protobuf';
import type { Input, MessageType } from '#proto/message';
import type { CallContext } from '#proto/service';
import { requireNamespace } from '#proto/server';

/** Both directions of one stream. */
export interface Stream {
  /** Resolves when the message is on its way. Throws cancelled once the stream is closed. */
  send<T>(type: MessageType<T>, message: Input<T>): Promise<void>;
  /** The next message; undefined when the client sends no more. Throws cancelled when it has gone. One call at a time. */
  receive(): Promise<Any | undefined>;
  /** Ends the stream after what was sent; nothing happens the second time. */
  close(): void;
}

/** A client that opens a stream has to name it within this time. */
const initMs = 10_000;
/** Streams of one daemon; a client that opens more is broken. */
const maxStreams = 10_000;

export class Streams {
  readonly #open = new Map<string, OpenStream>();

  /** The answer to a Stream call: registers the stream and delivers what is sent to it. */
  async *serve(requests: AsyncIterable<Any>, context: CallContext): AsyncGenerator<Any> {
    const namespace = requireNamespace(context);
    const incoming = requests[Symbol.asyncIterator]();
    const { id } = unpackAny(StreamInit, await withinTime(incoming.next(), initMs));
    if (id === '') throw new StackError('invalid_argument', 'a stream needs an id');
    const key = `${namespace}/${id}`;
    if (this.#open.has(key)) {
      throw new StackError('already_exists', `stream "${id}": already exists`);
    }
    if (this.#open.size >= maxStreams) {
      throw new StackError('resource_exhausted', `more than ${maxStreams} streams are open`);
    }
    const stream = new OpenStream(incoming, context.signal);
    this.#open.set(key, stream);
    try {
      yield packAny(Empty, {});
      yield* stream.outgoing();
    } finally {
      stream.close();
      this.#open.delete(key);
    }
  }

  /** Throws not_found. */
  get(namespace: string, id: string): Stream {
    const stream = this.#open.get(`${namespace}/${id}`);
    if (!stream) throw new StackError('not_found', `stream "${id}": not found`);
    return stream;
  }
}

interface Outgoing {
  message: Any;
  taken: () => void;
}

class OpenStream implements Stream {
  readonly #incoming: AsyncIterator<Any>;
  readonly #signal: AbortSignal;
  readonly #queue: Outgoing[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(incoming: AsyncIterator<Any>, signal: AbortSignal) {
    this.#incoming = incoming;
    this.#signal = signal;
  }

  async send<T>(type: MessageType<T>, message: Input<T>): Promise<void> {
    if (this.#ended) throw gone();
    await new Promise<void>((taken) => {
      this.#queue.push({ message: packAny(type, message), taken });
      this.#wake();
    });
  }

  async receive(): Promise<Any | undefined> {
    if (this.#ended) throw gone();
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(gone());
    this.#signal.addEventListener('abort', abort, { once: true });
    try {
      const next = await Promise.race([this.#incoming.next(), aborted.promise]);
      return next.done === true ? undefined : next.value;
    } catch (error) {
      if (error instanceof StackError) throw error;
      throw gone(error); // the connection broke
    } finally {
      this.#signal.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** What was sent, until the stream is closed or the client has gone. */
  async *outgoing(): AsyncGenerator<Any> {
    const wake = () => this.#wake();
    this.#signal.addEventListener('abort', wake, { once: true });
    try {
      while (!this.#signal.aborted) {
        const next = this.#queue.shift();
        if (next) {
          yield next.message;
          next.taken();
        } else if (this.#closed) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#closed = true;
      this.#signal.removeEventListener('abort', wake);
      for (const { taken } of this.#queue.splice(0)) taken(); // nobody will: let the senders find out
    }
  }

  get #ended(): boolean {
    return this.#closed || this.#signal.aborted;
  }
}

function gone(cause?: unknown): StackError {
  return new StackError('cancelled', 'the stream is closed', { cause });
}

async function withinTime(next: Promise<IteratorResult<Any>>, limitMs: number): Promise<Any> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new StackError('deadline_exceeded', 'the stream was not named in time')),
    limitMs,
  );
  try {
    const first = await Promise.race([next, late.promise]);
    if (first.done === true) throw new StackError('invalid_argument', 'the stream was not named');
    return first.value;
  } finally {
    clearTimeout(timer);
  }
}
