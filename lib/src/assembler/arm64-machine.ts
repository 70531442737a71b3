/** A64 instructions (Arm ARM, section C6.2). Each is one 32-bit word: a pattern, and fields shifted into it. */
import { CodeBuffer } from './code-buffer.ts';
import { CodeLabel, type Condition, type Machine, type MachineRegister } from './machine.ts';

/** Hardware numbers. 31 is the stack pointer as a base and in add/sub immediate, else the zero register. */
const registers: Readonly<Record<MachineRegister, number>> = {
  number: 8,
  result: 0,
  arg0: 0,
  arg1: 1,
  arg2: 2,
  arg3: 3,
  arg4: 4,
  arg5: 5,
  s0: 19,
  s1: 20,
  s2: 21,
  s3: 22,
  s4: 23,
  s5: 24,
  t0: 9,
  t1: 10,
  sp: 31,
};

/** For constants that no instruction can hold; named by no one else (ip0, as the procedure call standard has it). */
const scratch = 16;
const zero = 31;
const stackPointer = 31;

const patterns = {
  movz: 0xd2800000,
  movn: 0x92800000,
  movk: 0xf2800000,
  /** orr xd, xzr, xm */
  movRegister: 0xaa0003e0,
  addRegister: 0x8b000000,
  subRegister: 0xcb000000,
  andRegister: 0x8a000000,
  /** subs with the zero register as target is cmp, adds is cmn. */
  subsRegister: 0xeb000000,
  /** With uxtx #0: the form whose register 31 is the stack pointer. */
  addExtended: 0x8b206000,
  subExtended: 0xcb206000,
  addImmediate: 0x91000000,
  subImmediate: 0xd1000000,
  subsImmediate: 0xf1000000,
  addsImmediate: 0xb1000000,
  adr: 0x10000000,
  b: 0x14000000,
  bCondition: 0x54000000,
  svc: 0xd4000001,
} as const;

/** With an unsigned offset in units of the size. Loads of fewer than 8 bytes clear the upper bits. */
const loads = { 1: 0x39400000, 2: 0x79400000, 4: 0xb9400000, 8: 0xf9400000 } as const;
const stores = { 1: 0x39000000, 4: 0xb9000000, 8: 0xf9000000 } as const;

const conditionCodes: Readonly<Record<Condition, number>> = {
  equal: 0,
  notEqual: 1,
  aboveOrEqual: 2,
  below: 3,
  above: 8,
  greaterOrEqual: 10,
  less: 11,
};

export class Arm64Machine implements Machine {
  readonly architecture = 'arm64';
  readonly #code = new CodeBuffer();

  label(): CodeLabel {
    return new CodeLabel();
  }

  place(label: CodeLabel): void {
    this.#code.place(label);
  }

  constant(register: MachineRegister, value: number | bigint): void {
    this.#constant(registers[register], value);
  }

  move(register: MachineRegister, source: MachineRegister): void {
    const [target, from] = [registers[register], registers[source]];
    if (target === stackPointer || from === stackPointer) {
      this.#emit(patterns.addImmediate, from << 5, target);
    } else {
      this.#emit(patterns.movRegister, from << 16, target);
    }
  }

  address(register: MachineRegister, label: CodeLabel): void {
    const at = this.#code.position;
    this.#emit(patterns.adr, registers[register]);
    this.#patch(label, at, (distance) => {
      requireRange(distance, 21);
      return ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5);
    });
  }

  load(register: MachineRegister, base: MachineRegister, offset: number, size: 1 | 2 | 4 | 8) {
    this.#memory(loads[size], size, registers[register], registers[base], offset);
  }

  store(register: MachineRegister, base: MachineRegister, offset: number, size: 1 | 4 | 8): void {
    this.#memory(stores[size], size, registers[register], registers[base], offset);
  }

  add(register: MachineRegister, value: MachineRegister | number): void {
    this.#addOrSubtract(registers[register], value, true);
  }

  subtract(register: MachineRegister, value: MachineRegister | number): void {
    this.#addOrSubtract(registers[register], value, false);
  }

  and(register: MachineRegister, value: MachineRegister): void {
    const target = registers[register];
    this.#emit(patterns.andRegister, registers[value] << 16, target << 5, target);
  }

  branch(
    condition: Condition,
    left: MachineRegister,
    right: MachineRegister | number,
    label: CodeLabel,
  ): void {
    this.#compare(registers[left], right);
    const at = this.#code.position;
    this.#emit(patterns.bCondition, conditionCodes[condition]);
    this.#patch(label, at, (distance) => {
      requireRange(distance, 21);
      return ((distance >> 2) & 0x7ffff) << 5;
    });
  }

  jump(label: CodeLabel): void {
    const at = this.#code.position;
    this.#emit(patterns.b);
    this.#patch(label, at, (distance) => (distance >> 2) & 0x3ffffff);
  }

  enterKernel(): void {
    this.#emit(patterns.svc);
  }

  data(bytes: Uint8Array): CodeLabel {
    return this.#code.data(bytes);
  }

  finish(): Buffer {
    return this.#code.finish();
  }

  #emit(...fields: number[]): void {
    const word = fields.reduce((bits, field) => bits | field, 0);
    this.#code.append([word, word >> 8, word >> 16, word >> 24]); // the buffer keeps the low 8 bits of each
  }

  /** One movz or movn, then movk for each further 16 bits that differ from its background. */
  #constant(target: number, value: number | bigint): void {
    const bits = BigInt.asUintN(64, BigInt(value));
    const parts = [0, 1, 2, 3].map((index) => Number((bits >> BigInt(16 * index)) & 0xffffn));
    const ones = parts.filter((part) => part === 0xffff).length;
    const zeros = parts.filter((part) => part === 0).length;
    const background = ones > zeros ? 0xffff : 0;
    const relevant = parts.flatMap((part, index) => (part === background ? [] : [{ part, index }]));
    const [first = { part: background, index: 0 }, ...others] = relevant;
    if (background === 0) {
      this.#emit(patterns.movz, first.index << 21, first.part << 5, target);
    } else {
      this.#emit(patterns.movn, first.index << 21, (~first.part & 0xffff) << 5, target);
    }
    for (const { part, index } of others) {
      this.#emit(patterns.movk, index << 21, part << 5, target);
    }
  }

  #addOrSubtract(target: number, value: MachineRegister | number, add: boolean): void {
    if (typeof value === 'number' && Math.abs(value) < 4096) {
      const pattern = value < 0 === add ? patterns.subImmediate : patterns.addImmediate;
      this.#emit(pattern, Math.abs(value) << 10, target << 5, target);
      return;
    }
    const operand = this.#operand(value);
    if (target === stackPointer) {
      const pattern = add ? patterns.addExtended : patterns.subExtended;
      this.#emit(pattern, operand << 16, target << 5, target);
    } else {
      const pattern = add ? patterns.addRegister : patterns.subRegister;
      this.#emit(pattern, operand << 16, target << 5, target);
    }
  }

  #compare(left: number, right: MachineRegister | number): void {
    if (typeof right === 'number' && Math.abs(right) < 4096) {
      const pattern = right < 0 ? patterns.addsImmediate : patterns.subsImmediate;
      this.#emit(pattern, Math.abs(right) << 10, left << 5, zero);
      return;
    }
    this.#emit(patterns.subsRegister, this.#operand(right) << 16, left << 5, zero);
  }

  #operand(value: MachineRegister | number): number {
    if (typeof value === 'string') return registers[value];
    this.#constant(scratch, value);
    return scratch;
  }

  #memory(pattern: number, size: number, value: number, base: number, offset: number): void {
    const units = offset / size;
    if (Number.isInteger(units) && units >= 0 && units < 4096) {
      this.#emit(pattern, units << 10, base << 5, value);
      return;
    }
    this.#constant(scratch, offset);
    this.#emit(patterns.addExtended, scratch << 16, base << 5, scratch);
    this.#emit(pattern, scratch << 5, value);
  }

  #patch(label: CodeLabel, at: number, field: (distance: number) => number): void {
    this.#code.refer(label, (code, target) => {
      code.writeUInt32LE((code.readUInt32LE(at) | field(target - at)) >>> 0, at);
    });
  }
}

function requireRange(distance: number, bits: number): void {
  if (Math.abs(distance) >= 2 ** (bits - 1)) throw new RangeError('the label is too far away');
}
