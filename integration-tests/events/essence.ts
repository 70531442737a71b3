/** Events without what differs between any two runs: ids, digests, addresses of registries. */
import type { ToldEvent } from './recorder.ts';

/** Every field of an event but its times. */
export type EventEssence = Omit<ToldEvent, 'time' | 'timeNano'>;

/**
 * Says the events of one daemon, one step after the other. Ids of containers and networks become their first names, all other
 * ids and digests numbers, in the order in which they are told of within a step.
 */
export class Essence {
  readonly #registry: string;
  readonly #names = new Map<string, string>();

  /** `registry` is the address of the daemon's registry. */
  constructor(registry: string) {
    this.#registry = registry;
  }

  /** Throws where an event's two times are not the same. */
  of(events: readonly ToldEvent[]): EventEssence[] {
    const numbers = new Map<string, string>();
    const named = (id: string): string => {
      const known = this.#names.get(id) ?? numbers.get(id) ?? `#${numbers.size + 1}`;
      if (!this.#names.has(id)) numbers.set(id, known);
      return known;
    };
    for (const { Type, Actor } of events) {
      const { name } = Actor.Attributes;
      if (name === undefined || (Type !== 'container' && Type !== 'network')) continue;
      if (!this.#names.has(Actor.ID)) this.#names.set(Actor.ID, `id of ${name}`);
    }
    return events.map(({ time, timeNano, ...event }) => {
      if (Math.floor(timeNano / 1e9) !== time) throw new Error(`two times: ${time}, ${timeNano}`);
      const text = JSON.stringify(event)
        .replaceAll(this.#registry, 'REGISTRY')
        .replaceAll(/[0-9a-f]{64}/g, named);
      return JSON.parse(text) as EventEssence; // what it was, other words in place of some
    });
  }
}
