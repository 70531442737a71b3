/**
 * What clients were told about a containerd that is killed: what it has said to exist must exist afterwards, what it has
 * said to be gone must be gone. Of a call that was not answered either is right.
 */
export type Kind = 'image' | 'content' | 'snapshot' | 'lease' | 'task';

type Knowledge = 'present' | 'absent' | 'unanswered';

export class Ledger {
  readonly #entries = new Map<Kind, Map<string, Knowledge>>();
  /** How many calls were answered. */
  answered = 0;

  /** Runs a call after which `key` is there, or gone. */
  async call<T>(
    kind: Kind,
    key: string,
    outcome: 'present' | 'absent',
    action: () => Promise<T>,
  ): Promise<T> {
    this.#of(kind).set(key, 'unanswered');
    const result = await action();
    this.#of(kind).set(key, outcome);
    this.answered++;
    return result;
  }

  /** Keys that must be there. */
  present(kind: Kind): string[] {
    return this.#keys(kind, 'present');
  }

  /** Compares with what is there after a restart, and knows from then on. Returns what is wrong, as sentences. */
  settle(kind: Kind, existing: ReadonlySet<string>): string[] {
    const wrong: string[] = [];
    for (const [key, knowledge] of this.#of(kind)) {
      const exists = existing.has(key);
      if (knowledge === 'present' && !exists) wrong.push(`${kind} ${key} was answered and is lost`);
      if (knowledge === 'absent' && exists) wrong.push(`${kind} ${key} was deleted and is back`);
      this.#of(kind).set(key, exists ? 'present' : 'absent');
    }
    return wrong;
  }

  #of(kind: Kind): Map<string, Knowledge> {
    const known = this.#entries.get(kind) ?? new Map<string, Knowledge>();
    this.#entries.set(kind, known);
    return known;
  }

  #keys(kind: Kind, knowledge: Knowledge): string[] {
    return [...this.#of(kind)].filter(([, known]) => known === knowledge).map(([key]) => key);
  }
}
