/** Growing machine code with labels: what both architectures share. */
import { CodeLabel } from './machine.ts';

/** Writes the distance to a label into an instruction, once the label's position is known. */
type Patch = (code: Buffer, target: number) => void;

export class CodeBuffer {
  #bytes = Buffer.alloc(4096);
  #length = 0;
  readonly #fixups: { label: CodeLabel; patch: Patch }[] = [];

  /** Offset of the next byte. */
  get position(): number {
    return this.#length;
  }

  append(bytes: ArrayLike<number>): void {
    while (this.#length + bytes.length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  place(label: CodeLabel): void {
    if (label.position !== undefined) throw new Error('a label is placed once');
    label.position = this.position;
  }

  /** Registers that the code refers to `label`; `patch` runs in {@link finish}. */
  refer(label: CodeLabel, patch: Patch): void {
    this.#fixups.push({ label, patch });
  }

  /** Appends constant data at the next multiple of 8. */
  data(bytes: Uint8Array): CodeLabel {
    this.append(new Uint8Array(-this.position & 7));
    const label = new CodeLabel();
    this.place(label);
    this.append(bytes);
    this.append(new Uint8Array(-this.position & 7));
    return label;
  }

  finish(): Buffer {
    const code = this.#bytes.subarray(0, this.#length);
    for (const { label, patch } of this.#fixups) {
      if (label.position === undefined) throw new Error('label used but never placed');
      patch(code, label.position);
    }
    return code;
  }
}
