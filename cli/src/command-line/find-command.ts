/** From the words of a command line to a command. */
import { catalogue, groupNames, type CatalogueEntry } from './catalogue.ts';

export type Found =
  | { kind: 'command'; entry: CatalogueEntry; name: string; consumed: number }
  /** A group alone, without a command of its own. */
  | { kind: 'group'; group: string }
  /** docker has it and we have not. */
  | { kind: 'missing'; name: string }
  | { kind: 'unknown'; name: string; group?: string };

/** What docker has besides, in one word or with its group's. */
const missing = new Set([
  ...['build', 'builder', 'buildx', 'checkpoint', 'compose', 'config', 'image build'],
  ...['manifest', 'node', 'plugin', 'secret', 'service', 'stack', 'swarm', 'trust'],
  'volume update',
]);

/** The command that `words` start with. */
export function findCommand(words: readonly string[]): Found {
  const [first = '', second = ''] = words;
  const group = Object.hasOwn(groupNames, first) ? first : undefined;
  if (group !== undefined && (second === '' || second.startsWith('-'))) {
    return { kind: 'group', group };
  }
  const called = group === undefined ? first : `${group} ${second}`;
  const entry = catalogue.find(({ names }) => names.includes(called));
  if (entry) {
    const name = canonicalName(entry.names, called);
    return { kind: 'command', entry, name, consumed: group === undefined ? 1 : 2 };
  }
  if (missing.has(called)) return { kind: 'missing', name: called };
  return { kind: 'unknown', name: called, ...(group !== undefined && { group }) };
}

/** Of several names in one group the first: `container ls` for `container list`. */
export function canonicalName(names: readonly string[], called: string): string {
  const groupOf = (name: string): string => name.slice(0, name.indexOf(' ') + 1);
  return names.find((name) => groupOf(name) === groupOf(called)) ?? called;
}
