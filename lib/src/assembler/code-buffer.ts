/** Growing machine code with labels: what both architectures share. */
import { CodeLabel } from './machine.ts';

/** Writes the distance to a label into an instruction, once the label's position is known. */
type Patch = (code: Buffer, target: number) => void;

export class CodeBuffer {
  #bytes: number[] = [];
  #fixups: { label: CodeLabel; patch: Patch }[] = [];

  /** Offset of the next byte. */
  get position(): number {
    return this.#bytes.length;
  }

  append(bytes: Iterable<number>): void {
    this.#bytes.push(...bytes);
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
    const code = Buffer.from(this.#bytes);
    for (const { label, patch } of this.#fixups) {
      if (label.position === undefined) throw new Error('label used but never placed');
      patch(code, label.position);
    }
    return code;
  }
}
