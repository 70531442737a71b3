/**
 * x86-64 instructions (Intel SDM volume 2). Every instruction here has the form
 * REX prefix, opcode, ModRM (registers, or a register and base+displacement), immediate.
 */
import { CodeBuffer } from './code-buffer.ts';
import { CodeLabel, type Condition, type Machine, type MachineRegister } from './machine.ts';

/** Hardware numbers. The system call itself overwrites rcx (1) and r11. */
const registers: Readonly<Record<MachineRegister, number>> = {
  number: 0, // rax
  result: 0, // rax
  arg0: 7, // rdi
  arg1: 6, // rsi
  arg2: 2, // rdx
  arg3: 10, // r10
  arg4: 8, // r8
  arg5: 9, // r9
  s0: 3, // rbx
  s1: 5, // rbp
  s2: 12,
  s3: 13,
  s4: 14,
  s5: 15,
  t0: 1, // rcx
  t1: 11,
  sp: 4, // rsp
};

/** `op r/m64, r64`. */
const registerForms = { mov: 0x89, add: 0x01, sub: 0x29, and: 0x21, cmp: 0x39 } as const;

/** `op r/m64, imm`: 0x83 with 8 bits, 0x81 with 32; the number is an extension in ModRM. */
const immediateForms = { add: 0, sub: 5, cmp: 7 } as const;

/** Loads by size: opcode, and whether it needs REX.W. All clear the upper bits. */
const loads = {
  1: { opcode: [0x0f, 0xb6], wide: false }, // movzx r32, r/m8
  2: { opcode: [0x0f, 0xb7], wide: false }, // movzx r32, r/m16
  4: { opcode: [0x8b], wide: false }, // mov r32, r/m32
  8: { opcode: [0x8b], wide: true }, // mov r64, r/m64
} as const;

const stores = {
  1: { opcode: [0x88], wide: false },
  4: { opcode: [0x89], wide: false },
  8: { opcode: [0x89], wide: true },
} as const;

/** Low half of the opcode 0x0f 0x80+cc. */
const conditionCodes: Readonly<Record<Condition, number>> = {
  below: 0x2,
  aboveOrEqual: 0x3,
  equal: 0x4,
  notEqual: 0x5,
  above: 0x7,
  less: 0xc,
  greaterOrEqual: 0xd,
};

/** ModRM.rm of "address = rip + 32 bits", with ModRM.mod 0. */
const ripRelative = 5;

export class X64Machine implements Machine {
  readonly architecture = 'x64';
  readonly #code = new CodeBuffer();

  label(): CodeLabel {
    return new CodeLabel();
  }

  place(label: CodeLabel): void {
    this.#code.place(label);
  }

  constant(register: MachineRegister, value: number | bigint): void {
    const target = registers[register];
    if (typeof value === 'number' && value === (value | 0)) {
      // mov r/m64, imm32 (sign-extended)
      this.#emit(rex(true, 0, target), 0xc7, 0xc0 | (target & 7), ...int32(value));
      return;
    }
    const immediate = Buffer.alloc(8);
    immediate.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)));
    this.#emit(rex(true, 0, target), 0xb8 | (target & 7), ...immediate); // mov r64, imm64
  }

  move(register: MachineRegister, source: MachineRegister): void {
    this.#registerForm('mov', register, source);
  }

  address(register: MachineRegister, label: CodeLabel): void {
    const target = registers[register];
    this.#emit(rex(true, target, 0), 0x8d, ((target & 7) << 3) | ripRelative); // lea r64, [rip+rel32]
    this.#relative(label);
  }

  load(register: MachineRegister, base: MachineRegister, offset: number, size: 1 | 2 | 4 | 8) {
    this.#memoryForm(loads[size], register, base, offset);
  }

  store(register: MachineRegister, base: MachineRegister, offset: number, size: 1 | 4 | 8): void {
    this.#memoryForm(stores[size], register, base, offset);
  }

  add(register: MachineRegister, value: MachineRegister | number): void {
    this.#arithmetic('add', register, value);
  }

  subtract(register: MachineRegister, value: MachineRegister | number): void {
    this.#arithmetic('sub', register, value);
  }

  and(register: MachineRegister, value: MachineRegister): void {
    this.#registerForm('and', register, value);
  }

  branch(
    condition: Condition,
    left: MachineRegister,
    right: MachineRegister | number,
    label: CodeLabel,
  ): void {
    this.#arithmetic('cmp', left, right);
    this.#emit(0x0f, 0x80 | conditionCodes[condition]);
    this.#relative(label);
  }

  jump(label: CodeLabel): void {
    this.#emit(0xe9);
    this.#relative(label);
  }

  enterKernel(): void {
    this.#emit(0x0f, 0x05); // syscall
  }

  data(bytes: Uint8Array): CodeLabel {
    return this.#code.data(bytes);
  }

  finish(): Buffer {
    return this.#code.finish();
  }

  #emit(...bytes: number[]): void {
    this.#code.append(bytes);
  }

  #arithmetic(
    name: keyof typeof immediateForms,
    register: MachineRegister,
    value: MachineRegister | number,
  ): void {
    if (typeof value === 'string') {
      this.#registerForm(name, register, value);
      return;
    }
    const target = registers[register];
    const short = value === (value << 24) >> 24;
    const modrm = 0xc0 | (immediateForms[name] << 3) | (target & 7);
    this.#emit(rex(true, 0, target), short ? 0x83 : 0x81, modrm);
    this.#emit(...(short ? [value & 0xff] : int32(value)));
  }

  #registerForm(
    name: keyof typeof registerForms,
    register: MachineRegister,
    source: MachineRegister,
  ): void {
    const [target, from] = [registers[register], registers[source]];
    this.#emit(rex(true, from, target), registerForms[name]);
    this.#emit(0xc0 | ((from & 7) << 3) | (target & 7));
  }

  #memoryForm(
    { opcode, wide }: { readonly opcode: readonly number[]; readonly wide: boolean },
    register: MachineRegister,
    base: MachineRegister,
    offset: number,
  ): void {
    const [value, from] = [registers[register], registers[base]];
    const short = offset === (offset << 24) >> 24;
    // Always with a displacement: without one, base 5 (rbp, r13) would mean something else.
    const modrm = (short ? 0x40 : 0x80) | ((value & 7) << 3) | (from & 7);
    this.#emit(rex(wide, value, from), ...opcode, modrm);
    if ((from & 7) === 4) this.#emit(0x24); // rsp and r12 as base need a SIB byte: no index
    this.#emit(...(short ? [offset & 0xff] : int32(offset)));
  }

  /** Four bytes that become the distance from their end to `label`. */
  #relative(label: CodeLabel): void {
    const at = this.#code.position;
    this.#emit(0, 0, 0, 0);
    this.#code.refer(label, (code, target) => code.writeInt32LE(target - (at + 4), at));
  }
}

/** REX: 64-bit operands, and the fourth bit of both register numbers. Also makes sil and dil byte registers. */
function rex(wide: boolean, register: number, base: number): number {
  return 0x40 | (wide ? 8 : 0) | ((register >> 3) << 2) | (base >> 3);
}

function int32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];
}
