/** Classic BPF as seccomp(2) takes it: instructions, their bytes, and a builder that works from the end to the start. */

/** struct sock_filter (linux/filter.h). */
export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip when a comparison holds. */
  readonly jt: number;
  /** Instructions to skip when it does not. */
  readonly jf: number;
  readonly k: number;
}

export const BPF_LD_W_ABS = 0x20;
export const BPF_ALU_AND_K = 0x54;
export const BPF_JMP_JA = 0x05;
export const BPF_JMP_JEQ_K = 0x15;
export const BPF_JMP_JGT_K = 0x25;
export const BPF_JMP_JGE_K = 0x35;
export const BPF_RET_K = 0x06;

/** Most instructions the kernel accepts (BPF_MAXINSNS). */
export const BPF_MAXINSNS = 4096;

const longestJump = 255;

/** A place in a program under construction: its distance from the end. */
export type Place = number & { readonly unit: 'instructions from the end' };

/**
 * Builds a program backwards. Classic BPF jumps forward only, so every target exists before the jump to it, and
 * distances are known when a jump is written: one that is too far for its 8 bits goes through a `ja`.
 */
export class BackwardBuilder {
  readonly #reversed: BpfInstruction[] = [];
  readonly #returns = new Map<number, Place>();

  /** Where `ret value` stands, near enough for a conditional jump from here. */
  ret(value: number): Place {
    const known = this.#returns.get(value);
    // Room for the instructions of one decision between here and the jump.
    if (known !== undefined && this.#reversed.length - known < longestJump - 16) return known;
    const place = this.#push({ code: BPF_RET_K, jt: 0, jf: 0, k: value });
    this.#returns.set(value, place);
    return place;
  }

  /** A comparison of the accumulator with `k`. */
  compare(
    code: typeof BPF_JMP_JEQ_K | typeof BPF_JMP_JGT_K | typeof BPF_JMP_JGE_K,
    k: number,
    whenTrue: Place,
    whenFalse: Place,
  ): Place {
    // Reaching one target may add a `ja`, which moves the other one away by one more.
    let [near, far] = [whenTrue, whenFalse];
    if (this.#skip(near) >= longestJump) near = this.#jump(near);
    if (this.#skip(far) >= longestJump) far = this.#jump(far);
    return this.#push({ code, jt: this.#skip(near), jf: this.#skip(far), k });
  }

  /** Loads the 32-bit word of seccomp_data at `offset`, optionally masked, then goes on at `next`. */
  load(offset: number, next: Place, mask?: number): Place {
    if (this.#skip(next) !== 0) this.#jump(next);
    if (mask !== undefined && mask !== 0xffff_ffff) {
      this.#push({ code: BPF_ALU_AND_K, jt: 0, jf: 0, k: mask });
    }
    return this.#push({ code: BPF_LD_W_ABS, jt: 0, jf: 0, k: offset });
  }

  /** The finished program, which starts at the instruction written last. */
  build(): BpfInstruction[] {
    return this.#reversed.toReversed();
  }

  #jump(target: Place): Place {
    return this.#push({ code: BPF_JMP_JA, jt: 0, jf: 0, k: this.#skip(target) });
  }

  /** How many instructions lie between the next one to be written and `target`. */
  #skip(target: Place): number {
    return this.#reversed.length - target;
  }

  #push(instruction: BpfInstruction): Place {
    this.#reversed.push(instruction);
    return this.#reversed.length as Place;
  }
}

/** The bytes of struct sock_filter[]: code 16 bit, jt, jf, k 32 bit, little endian. */
export function encodeInstructions(instructions: readonly BpfInstruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, { code, jt, jf, k }] of instructions.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4);
  }
  return bytes;
}
