/** Runs a classic BPF program over a struct seccomp_data, as the kernel would. */
import type { BpfInstruction } from '#lib/seccomp/classic-bpf';

export interface SeccompData {
  number: number;
  architecture: number;
  args: readonly bigint[];
}

/** The value the program returns. Throws if it runs past its end or uses an instruction we never emit. */
export function runFilter(program: readonly BpfInstruction[], data: SeccompData): number {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(data.number >>> 0, 0);
  bytes.writeUInt32LE(data.architecture >>> 0, 4);
  for (const [index, value] of data.args.entries()) bytes.writeBigUInt64LE(value, 16 + 8 * index);
  let accumulator = 0;
  let at = 0;
  while (true) {
    const instruction = program[at];
    if (!instruction) throw new Error(`ran past the end at ${at}`);
    const { code, jt, jf, k } = instruction;
    at++;
    switch (code) {
      case 0x20:
        accumulator = bytes.readUInt32LE(k);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        at += accumulator === k ? jt : jf;
        break;
      case 0x25:
        at += accumulator > k ? jt : jf;
        break;
      case 0x35:
        at += accumulator >= k ? jt : jf;
        break;
      case 0x06:
        return k >>> 0;
      default:
        throw new Error(`unknown instruction 0x${code.toString(16)} at ${at - 1}`);
    }
  }
}
