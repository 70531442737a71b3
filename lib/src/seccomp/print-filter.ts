/** Shows a filter as text, one instruction a line with its number and targets, for `runtime explain`. */
import { getSystemErrorName } from 'node:util';
import { auditArchitectures } from './architecture.ts';
import {
  BPF_ALU_AND_K,
  BPF_JMP_JA,
  BPF_JMP_JEQ_K,
  BPF_JMP_JGE_K,
  BPF_JMP_JGT_K,
  BPF_LD_W_ABS,
  BPF_RET_K,
  type BpfInstruction,
} from './classic-bpf.ts';

/** Lines such as `12: if number >= 17 goto 15 else 13`. */
export function printFilter(instructions: readonly BpfInstruction[]): string {
  let loaded = '';
  return instructions
    .map((instruction, index) => {
      if (instruction.code === BPF_LD_W_ABS) loaded = fieldName(instruction.k);
      return `${String(index).padStart(4)}: ${printInstruction(instruction, index, loaded)}\n`;
    })
    .join('');
}

const comparisons: Readonly<Record<number, string>> = {
  [BPF_JMP_JEQ_K]: '==',
  [BPF_JMP_JGT_K]: '>',
  [BPF_JMP_JGE_K]: '>=',
};

function printInstruction(
  { code, jt, jf, k }: BpfInstruction,
  index: number,
  loaded: string,
): string {
  const operator = comparisons[code];
  if (operator !== undefined) {
    const value = loaded === 'architecture' ? architectureName(k) : k > 0xffff ? hex(k) : String(k);
    return `if ${operator} ${value} goto ${index + 1 + jt} else ${index + 1 + jf}`;
  }
  switch (code) {
    case BPF_LD_W_ABS:
      return `load ${loaded}`;
    case BPF_ALU_AND_K:
      return `and ${hex(k)}`;
    case BPF_JMP_JA:
      return `goto ${index + 1 + k}`;
    case BPF_RET_K:
      return `return ${returnName(k)}`;
    default:
      return `code ${hex(code)} jt ${jt} jf ${jf} k ${hex(k)}`;
  }
}

function fieldName(offset: number): string {
  if (offset === 0) return 'number';
  if (offset === 4) return 'architecture';
  const argument = (offset - 16) >> 3;
  return `args[${argument}].${offset % 8 === 0 ? 'low' : 'high'}`;
}

function architectureName(value: number): string {
  const known = Object.entries(auditArchitectures).find(([, audit]) => audit === value);
  return known ? known[0] : hex(value);
}

function returnName(value: number): string {
  const data = value & 0xffff;
  switch ((value & 0xffff_0000) >>> 0) {
    case 0x0000_0000:
      return 'KILL_THREAD';
    case 0x8000_0000:
      return 'KILL_PROCESS';
    case 0x0003_0000:
      return 'TRAP';
    case 0x0005_0000:
      return `ERRNO(${errnoText(data)})`;
    case 0x7fc0_0000:
      return 'NOTIFY';
    case 0x7ff0_0000:
      return `TRACE(${data})`;
    case 0x7ffc_0000:
      return 'LOG';
    case 0x7fff_0000:
      return 'ALLOW';
    default:
      return hex(value);
  }
}

function errnoText(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return String(errno); // not every number has a name
  }
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
