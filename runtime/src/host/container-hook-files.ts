/** What hooks inside the container read and write: a sealed memfd with the state for each, and one for what they print. */
import fs from 'node:fs';
import { memfdFlags } from '#lib/sys/flags';
import { addSeals, immutableSeals, memfdCreate } from '#lib/sys/memfd';
import type { Hooks } from '#spec/oci/hooks';
import {
  containerHookKinds,
  hookInput,
  hookOutput,
  type ContainerHookKind,
} from '../compile/container-hooks.ts';

/** More of what a hook printed is not repeated in an error. */
const outputLimit = 4096;

interface InputFile {
  readonly kind: ContainerHookKind;
  readonly name: string;
  readonly fd: number;
}

export class ContainerHookFiles {
  readonly #inputs: readonly InputFile[];
  #output: number | undefined;

  constructor(hooks: Hooks = {}) {
    this.#inputs = containerHookKinds.flatMap((kind) =>
      (hooks[kind] ?? []).map((_, index) => ({
        kind,
        name: hookInput(kind, index),
        fd: memfdCreate('state', memfdFlags.MFD_ALLOW_SEALING),
      })),
    );
    this.#output = this.#inputs.length > 0 ? memfdCreate('hook-output') : undefined;
  }

  /** By the names of the program's prepared descriptors. */
  get descriptors(): Readonly<Record<string, number>> {
    return Object.fromEntries([
      ...this.#inputs.map(({ name, fd }) => [name, fd] as const),
      ...(this.#output === undefined ? [] : [[hookOutput, this.#output] as const]),
    ]);
  }

  /** To be called once, before the first hook runs. */
  writeStates(states: Readonly<Record<ContainerHookKind, string>>): void {
    for (const { kind, fd } of this.#inputs) {
      fs.writeSync(fd, states[kind], 0); // the offset stays at the beginning, for the reader
      addSeals(fd, immutableSeals);
    }
  }

  /** What was printed so far; nothing after {@link close}. */
  readonly output = (): string => {
    if (this.#output === undefined) return '';
    const bytes = Buffer.alloc(outputLimit);
    return bytes.toString('utf8', 0, fs.readSync(this.#output, bytes, 0, outputLimit, 0)).trim();
  };

  close(): void {
    for (const { fd } of this.#inputs) fs.closeSync(fd);
    if (this.#output !== undefined) fs.closeSync(this.#output);
    this.#output = undefined;
  }
}
