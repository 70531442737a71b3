/** Changes on their way to the disk: undone when they fail, written in their order, several at once. */
import type { RootDatabase } from 'lmdb';

/** One step of a change. */
export interface Step {
  /** Takes it back, in memory. */
  undo(): void;
  /** Repeats it on the disk, within a transaction. */
  write(): void;
}

/** Changes that go to the disk together, and who waits for that. */
interface Batch {
  steps: Step[];
  written: Promise<void>;
  resolve(): void;
}

export class Journal {
  readonly #root: RootDatabase;
  /** Of the change that runs. */
  #steps: Step[] | undefined;
  /** Changes that are complete and not being written yet. */
  #waiting: Batch | undefined;
  #writing: Batch | undefined;

  constructor(root: RootDatabase) {
    this.#root = root;
  }

  /** Runs `action`; what it throws undoes its steps. Within another change it is a part of that one. */
  change<Result>(action: () => Result): Result {
    const outer = this.#steps;
    const steps: Step[] = [];
    this.#steps = steps;
    try {
      const result = action();
      if (outer) outer.push(...steps);
      else if (steps.length > 0) this.#append(steps);
      return result;
    } catch (error) {
      for (const step of steps.reverse()) step.undo();
      throw error;
    } finally {
      this.#steps = outer;
    }
  }

  /** Adds a step that was done in memory. Throws outside a change. */
  record(step: Step): void {
    if (!this.#steps) throw new Error('metadata is written outside a change');
    this.#steps.push(step);
  }

  /** Resolves when everything so far is on the disk; undefined when that is so already. */
  settled(): Promise<void> | undefined {
    return (this.#waiting ?? this.#writing)?.written;
  }

  #append(steps: readonly Step[]): void {
    this.#waiting ??= newBatch();
    this.#waiting.steps.push(...steps);
    if (!this.#writing) void this.#write();
  }

  /** Writes batch after batch. A disk that does not take one ends the process: memory is ahead of it for good. */
  async #write(): Promise<void> {
    for (let batch = this.#waiting; batch; batch = this.#waiting) {
      this.#waiting = undefined;
      this.#writing = batch;
      const { steps } = batch;
      await this.#root.transaction(() => {
        for (const step of steps) step.write();
      });
      await this.#root.flushed;
      batch.resolve();
    }
    this.#writing = undefined;
  }
}

function newBatch(): Batch {
  let resolve: () => void = () => undefined;
  const written = new Promise<void>((resolved) => (resolve = resolved));
  return { steps: [], written, resolve };
}
