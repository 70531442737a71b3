/** The filters of `docker events`. */
import { matchesLabels, type Filters } from '../http/query.ts';
import type { EngineEvent } from './event-log.ts';

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
