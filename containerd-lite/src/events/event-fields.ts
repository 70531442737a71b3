/** What filters of a subscription can ask about an event. */
import * as events from '#proto/generated/containerd.events';
import * as images from '#proto/generated/containerd.services.images.v1';
import type { Envelope } from '#proto/generated/containerd.types';
import { isAny, unpackAny } from '#proto/any';
import type { MessageType } from '#proto/message';
import type { Fields } from '../filters/filter.ts';

/** Events whose fields can be filtered by; of others, namespace and topic. */
const eventTypes: readonly MessageType<unknown>[] = [
  ...Object.values(events),
  images.ImageCreate,
  images.ImageUpdate,
  images.ImageDelete,
];

/** `namespace`, `topic`, and `event.<field>` by the names of the IDL (`event.container_id`). */
export function eventFields(envelope: Envelope): Fields {
  let decoded: unknown;
  return (path) => {
    if (path.length === 1 && path[0] === 'namespace') return envelope.namespace;
    if (path.length === 1 && path[0] === 'topic') return envelope.topic;
    if (path[0] !== 'event') return undefined;
    decoded ??= decodeEvent(envelope);
    return fieldOf(decoded, path.slice(1));
  };
}

function decodeEvent({ event }: Envelope): unknown {
  const type = event && eventTypes.find((candidate) => isAny(candidate, event));
  if (!type) return {};
  try {
    return unpackAny(type, event);
  } catch {
    return {}; // a damaged event has no fields
  }
}

function fieldOf(value: unknown, path: readonly string[]): string | undefined {
  if (typeof value === 'string') return path.length === 0 && value !== '' ? value : undefined;
  if (typeof value === 'number' || typeof value === 'boolean') {
    return path.length === 0 ? String(value) : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const [name = '', ...rest] = path;
  const camelName = name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  if (Object.hasOwn(value, camelName)) {
    return fieldOf((value as Record<string, unknown>)[camelName], rest); // hasOwn has just said so
  }
  const joined = path.join('.');
  return Object.hasOwn(value, joined)
    ? fieldOf((value as Record<string, unknown>)[joined], [])
    : undefined;
}
