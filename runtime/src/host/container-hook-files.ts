/** What hooks inside the container read and write: a sealed memfd with the state for each, and one for what they print. */
import fs from 'node:fs';
import { memfdFlags } from '#lib/sys/flags';
import { addSeals, immutableSeals, memfdCreate } from '#lib/sys/memfd';
import type { Hooks } from '#spec/oci/hooks';
import {
  containerHookKinds,
  hookInput,
  hookOutput,
  hookOutputLimit,
  type ContainerHookKind,
} from '../compile/container-hooks.ts';

interface InputFile {
  readonly kind: ContainerHookKind;
  readonly name: string;
  readonly fd: number;
}

/** What hooks inside the container have printed. */
export class HookOutput {
  #fd: number | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Nothing after {@link close}. */
  read(): string {
    if (this.#fd === undefined) return '';
    const bytes = Buffer.alloc(hookOutputLimit);
    return bytes.toString('utf8', 0, fs.readSync(this.#fd, bytes, 0, hookOutputLimit, 0)).trim();
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }
}

export class ContainerHookFiles {
  readonly #inputs: readonly InputFile[];
  /** By the names of the program's prepared descriptors. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** Undefined without hooks. Whoever takes it closes it. */
  readonly output: HookOutput | undefined;

  constructor(hooks: Hooks = {}) {
    this.#inputs = containerHookKinds.flatMap((kind) =>
      (hooks[kind] ?? []).map((_, index) => ({
        kind,
        name: hookInput(kind, index),
        fd: memfdCreate('state', memfdFlags.MFD_ALLOW_SEALING),
      })),
    );
    const output = this.#inputs.length > 0 ? memfdCreate('hook-output') : undefined;
    this.output = output === undefined ? undefined : new HookOutput(output);
    this.descriptors = {
      ...Object.fromEntries(this.#inputs.map(({ name, fd }) => [name, fd])),
      ...(output !== undefined && { [hookOutput]: output }),
    };
  }

  /** To be called once, before the first hook runs. */
  writeStates(states: Readonly<Record<ContainerHookKind, string>>): void {
    for (const { kind, fd } of this.#inputs) {
      fs.writeSync(fd, states[kind], 0); // the offset stays at the beginning, for the reader
      addSeals(fd, immutableSeals);
    }
  }

  closeInputs(): void {
    for (const { fd } of this.#inputs) fs.closeSync(fd);
  }
}
