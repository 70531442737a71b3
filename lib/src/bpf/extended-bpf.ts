/** Instructions of eBPF (linux/bpf.h), as many as a device filter needs, and a builder with forward labels. */

export type BpfRegister = 0 | 1 | 2 | 3 | 4 | 5;

/** What a jump compares: `set` is "any bit of the constant is set". 32-bit, unsigned. */
export type BpfComparison = 'equal' | 'not equal' | 'set';

const BPF_LDX_MEM_W = 0x61;
const BPF_ALU32_MOV_K = 0xb4;
const BPF_ALU32_MOV_X = 0xbc;
const BPF_ALU32_AND_K = 0x54;
const BPF_ALU32_RSH_K = 0x74;
const BPF_EXIT = 0x95;
const BPF_JMP32_K: Readonly<Record<BpfComparison, number>> = {
  equal: 0x16,
  'not equal': 0x56,
  set: 0x46,
};

/** A place further on in the program. */
export interface BpfLabel {
  readonly jumps: number[];
}

/** Writes struct bpf_insn: code, registers, 16-bit offset, 32-bit constant. */
export class ExtendedBpfBuilder {
  readonly #instructions: Buffer[] = [];

  /** `target` = 32-bit word at `source` + `offset`. */
  load(target: BpfRegister, source: BpfRegister, offset: number): void {
    this.#push(BPF_LDX_MEM_W, target, source, offset, 0);
  }

  set(target: BpfRegister, value: number): void {
    this.#push(BPF_ALU32_MOV_K, target, 0, 0, value);
  }

  move(target: BpfRegister, source: BpfRegister): void {
    this.#push(BPF_ALU32_MOV_X, target, source, 0, 0);
  }

  and(target: BpfRegister, value: number): void {
    this.#push(BPF_ALU32_AND_K, target, 0, 0, value);
  }

  shiftRight(target: BpfRegister, bits: number): void {
    this.#push(BPF_ALU32_RSH_K, target, 0, 0, bits);
  }

  label(): BpfLabel {
    return { jumps: [] };
  }

  jumpIf(register: BpfRegister, comparison: BpfComparison, value: number, to: BpfLabel): void {
    to.jumps.push(this.#instructions.length);
    this.#push(BPF_JMP32_K[comparison], register, 0, 0, value);
  }

  /** The jumps to `label` lead here. */
  place(label: BpfLabel): void {
    for (const from of label.jumps) {
      this.#instructions[from]?.writeInt16LE(this.#instructions.length - from - 1, 2);
    }
  }

  /** Ends the program with `value` as its answer. */
  exit(value: number): void {
    this.set(0, value);
    this.#push(BPF_EXIT, 0, 0, 0, 0);
  }

  build(): Buffer {
    return Buffer.concat(this.#instructions);
  }

  #push(code: number, target: number, source: number, offset: number, constant: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt8(code, 0);
    bytes.writeUInt8(target | (source << 4), 1);
    bytes.writeInt16LE(offset, 2);
    bytes.writeInt32LE(constant | 0, 4);
    this.#instructions.push(bytes);
  }
}
