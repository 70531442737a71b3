/** Streams that a Transfer call refers to (containerd.services.streaming.v1), as a client opens them. */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';
import { packAny } from '#proto/any';
import { StreamInit } from '#proto/generated/containerd.services.streaming.v1';
import type { Any } from '#proto/generated/google.protobuf';
import type { Input, MessageType } from '#proto/message';
import { StackError } from '#spec/errors';

/** A stream that containerd knows by its id. */
export interface TransferStream {
  readonly id: string;
  /** What containerd sends, until it ends the stream. */
  readonly messages: AsyncIterable<Any>;
  send<T>(type: MessageType<T>, message: Input<T>): Promise<void>;
  /** Nothing more will be sent. */
  end(): void;
  /** Gives the stream up. */
  cancel(): void;
}

/** Opens a stream; `purpose` is how its id begins. */
export async function openStream(
  { streaming }: ContainerdClient,
  purpose: string,
): Promise<TransferStream> {
  const call = streaming.stream();
  const id = `${purpose}-${randomUUID()}`;
  const messages: AsyncIterator<Any> = call[Symbol.asyncIterator]();
  await call.write(packAny(StreamInit, { id }));
  // Answered by an empty message once the id is known.
  const first = await messages.next();
  if (first.done === true) throw new StackError('unavailable', 'containerd ended a new stream');
  return {
    id,
    messages: { [Symbol.asyncIterator]: () => messages },
    send: async (type, message) => call.write(packAny(type, message)),
    end: () => call.end(),
    cancel: () => call.cancel(),
  };
}
