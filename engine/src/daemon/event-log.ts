/** What happens in the engine, for `docker events`: a ring in memory, and whoever listens. */
import type { Filters } from '../http/query.ts';
import { matchesLabels } from '../http/query.ts';

export type EventType =
  'container' | 'image' | 'network' | 'volume' | 'daemon' | 'plugin' | 'builder';

export interface EngineEvent {
  type: EventType;
  /** `start`, `exec_create: sh`, … */
  action: string;
  actorId: string;
  attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970. */
  timeNano: bigint;
}

/** How many past events `since` can bring back; docker keeps 256. */
const ringSize = 4096;

export class EventLog {
  readonly #ring: EngineEvent[] = [];
  readonly #listeners = new Set<(event: EngineEvent) => void>();

  publish(
    type: EventType,
    action: string,
    actorId: string,
    attributes: Readonly<Record<string, string>> = {},
  ): void {
    const event = { type, action, actorId, attributes, timeNano: nanosecondsNow() };
    this.#ring.push(event);
    if (this.#ring.length > ringSize) this.#ring.shift();
    for (const listener of this.#listeners) listener(event);
  }

  /** Past events at or after `since` (nanoseconds). */
  since(since: bigint): EngineEvent[] {
    return this.#ring.filter(({ timeNano }) => timeNano >= since);
  }

  /** Calls `listener` for each event from now on; returns how to stop. */
  listen(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Keys that name an object by id or name; everything else of the events filters is a property of the event. */
const objectTypes = ['container', 'image', 'network', 'volume', 'plugin', 'daemon'] as const;

/** Filter keys that `GET /events` takes. */
export const eventFilterKeys = [
  'config',
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
] as const;

/** Whether `event` passes: keys are combined by and, values of one key by or. */
export function matchesEvent(event: EngineEvent, filters: Filters): boolean {
  const any = (key: string, holds: (value: string) => boolean): boolean => {
    const values = filters.get(key);
    return !values || values.length === 0 || values.some(holds);
  };
  return (
    any('type', (value) => event.type === value) &&
    any('scope', (value) => value === 'local') &&
    // `exec_create: sh` also matches the filter `exec_create`.
    any('event', (value) => event.action === value || event.action.startsWith(`${value}:`)) &&
    matchesLabels(event.attributes, filters.get('label')) &&
    objectTypes.every((type) => any(type, (value) => concerns(event, type, value))) &&
    // Objects of a swarm, which does not exist here.
    ['config', 'node', 'secret', 'service'].every((key) => any(key, () => false))
  );
}

function concerns(event: EngineEvent, type: (typeof objectTypes)[number], value: string): boolean {
  const { name, image } = event.attributes;
  if (event.type === type) {
    return (
      event.actorId === value ||
      name === value ||
      (value.length >= 12 && event.actorId.startsWith(value))
    );
  }
  // Events of containers carry the image they were made from.
  return type === 'image' && event.type === 'container' && image === value;
}

function nanosecondsNow(): bigint {
  return BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
