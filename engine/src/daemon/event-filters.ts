/** The filters of `docker events`. */
import { isStackError } from '#spec/errors';
import { familiarName, parseReference, repositoryOf } from '#spec/reference';
import { matchesLabels, type Filters } from '../http/query.ts';
import type { EngineEvent } from './event-log.ts';

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

/** Keys whose values are the beginning of an id or a name, of whatever type the object is. */
const namingKeys = [
  ...(['daemon', 'container', 'plugin', 'volume', 'network'] as const),
  ...(['node', 'service', 'secret', 'config'] as const),
];

/** Actions that carry a detail; as a filter each means all of them, and makes every other value a beginning as well. */
const detailedActions: readonly string[] = ['health_status', 'exec_create', 'exec_start'];

/** Whether `event` passes, by dockerd's rules: keys are combined by and, values of one key by or. */
export function matchesEvent(event: EngineEvent, filters: Filters): boolean {
  const { type, action, actorId, attributes } = event;
  const any = (key: string, holds: (value: string) => boolean): boolean => {
    const values = filters.get(key);
    return !values || values.length === 0 || values.some(holds);
  };
  const isDetailed = filters.get('event')?.some((value) => detailedActions.includes(value));
  return (
    any('type', (value) => type === value) &&
    any('scope', (value) => value === 'local') &&
    any('event', (value) => (isDetailed ? action.startsWith(value) : action === value)) &&
    namingKeys.every((key) =>
      any(key, (value) => [actorId, attributes['name'] ?? ''].some((id) => id.startsWith(value))),
    ) &&
    any('image', (value) => imageNames(event).includes(value)) &&
    matchesLabels(attributes, filters.get('label'))
  );
}

/** What an image may be asked for by: events of containers carry the one they were made from. */
function imageNames({ type, actorId, attributes }: EngineEvent): string[] {
  const name = attributes[type === 'image' ? 'name' : 'image'] ?? '';
  return [actorId, name].flatMap((text) => [text, withoutTag(text)]);
}

function withoutTag(text: string): string {
  try {
    return familiarName(repositoryOf(parseReference(text)));
  } catch (error) {
    if (isStackError(error, 'invalid_argument')) return text;
    throw error;
  }
}
