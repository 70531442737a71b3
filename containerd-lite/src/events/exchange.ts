/**
 * Passes events from whoever publishes to every subscriber. Nothing is kept for those who come later. A subscriber
 * that does not read is dropped once its queue is full, so that it costs nobody else anything.
 */
import { StackError } from '#spec/errors';
import { timestampNow } from '#proto/timestamp';
import { packAny } from '#proto/any';
import type { Input, MessageType } from '#proto/message';
import type { Envelope } from '#proto/generated/containerd.types';
import type { Any } from '#proto/generated/google.protobuf';
import { parseFilters } from '../filters/filter.ts';
import { eventFields } from './event-fields.ts';

/** Events that may wait for one subscriber. */
const maxQueued = 10_000;

/** `/tasks/exit`: as containerd requires of topics. */
const topicPattern = /^(?:\/[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*)+$/;

type Listener = (envelope: Envelope) => void;

export class Exchange {
  readonly #listeners = new Set<Listener>();

  /** An event that happened here. */
  publish<T>(namespace: string, topic: string, type: MessageType<T>, event: Input<T>): void {
    this.forward({ timestamp: timestampNow(), namespace, topic, event: packAny(type, event) });
  }

  /** An event of a client, in its own words. */
  publishAny(namespace: string, topic: string, event: Any): void {
    this.forward({ timestamp: timestampNow(), namespace, topic, event });
  }

  /** An event as a shim has put it together. Throws invalid_argument for an incomplete one. */
  forward(envelope: Envelope): void {
    if (envelope.namespace === '') invalid('has no namespace');
    if (!topicPattern.test(envelope.topic)) invalid(`has "${envelope.topic}" as its topic`);
    if (!envelope.timestamp) invalid('has no timestamp');
    if (!envelope.event) invalid('is empty');
    for (const listener of [...this.#listeners]) listener(envelope);
  }

  /** Calls `listener` within {@link forward} for every event. Returns what ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Events from now on that pass any of `filters`, until `signal`. Throws resource_exhausted when the reader falls
   * too far behind. Listening begins with this call, not with the first read.
   */
  subscribe(filters: readonly string[], signal: AbortSignal): AsyncIterable<Envelope> {
    const matches = parseFilters(filters);
    const queue: Envelope[] = [];
    let wake: () => void = () => undefined;
    const state = { overflow: false };
    const stop = this.listen((envelope) => {
      if (!matches(eventFields(envelope))) return;
      if (queue.length >= maxQueued) state.overflow = true;
      else queue.push(envelope);
      wake();
    });
    const aborted = () => wake();
    signal.addEventListener('abort', aborted);
    return (async function* () {
      try {
        while (!signal.aborted) {
          if (state.overflow) {
            throw new StackError('resource_exhausted', `more than ${maxQueued} events are unread`);
          }
          const envelope = queue.shift();
          if (envelope) yield envelope;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        stop();
        signal.removeEventListener('abort', aborted);
      }
    })();
  }
}

function invalid(reason: string): never {
  throw new StackError('invalid_argument', `cannot forward event: it ${reason}`);
}
