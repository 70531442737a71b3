/**
 * A small portable machine language. The loader, the launchers and `hello` are written once, in TypeScript
 * functions that call these methods; x64-machine.ts and arm64-machine.ts turn each call into one or a few
 * instructions. There is no call and no return: what would be a subroutine is a function that emits its body.
 */
import type { Architecture } from '#lib/sys/syscalls';

/**
 * Registers by their role in a Linux system call. `arg0`-`arg5`, `number` and `result` share machine registers
 * on some architectures (x86-64: number and result, arm64: arg0 and result), so a result is moved away first.
 * `s0`-`s5` survive system calls; `t0`, `t1` do not. `sp` is the stack pointer, 16-byte aligned at the start.
 */
export type MachineRegister =
  | 'number'
  | 'result'
  | 'arg0'
  | 'arg1'
  | 'arg2'
  | 'arg3'
  | 'arg4'
  | 'arg5'
  | 's0'
  | 's1'
  | 's2'
  | 's3'
  | 's4'
  | 's5'
  | 't0'
  | 't1'
  | 'sp';

/** The argument registers in order. */
export const argumentRegisters = ['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const;

/** Signed: less, greaterOrEqual. Unsigned: below, aboveOrEqual, above. */
export type Condition =
  'equal' | 'notEqual' | 'less' | 'greaterOrEqual' | 'below' | 'aboveOrEqual' | 'above';

/** A place in the code. Fixups are the instructions that refer to it before it was placed. */
export class CodeLabel {
  position: number | undefined;
}

export interface Machine {
  readonly architecture: Architecture;

  label(): CodeLabel;
  /** Puts `label` here. */
  place(label: CodeLabel): void;

  /** `register = value`, any 64-bit number. */
  constant(register: MachineRegister, value: number | bigint): void;
  move(register: MachineRegister, source: MachineRegister): void;
  /** The address of a place in code or data. */
  address(register: MachineRegister, label: CodeLabel): void;

  /** `register = base[offset]`, `size` bytes, extended without sign. */
  load(register: MachineRegister, base: MachineRegister, offset: number, size: 1 | 2 | 4 | 8): void;
  /** `base[offset] = register`, its lowest `size` bytes. */
  store(register: MachineRegister, base: MachineRegister, offset: number, size: 1 | 4 | 8): void;

  add(register: MachineRegister, value: MachineRegister | number): void;
  subtract(register: MachineRegister, value: MachineRegister | number): void;
  and(register: MachineRegister, value: MachineRegister): void;

  /** Goes to `label` if `left condition right`. */
  branch(
    condition: Condition,
    left: MachineRegister,
    right: MachineRegister | number,
    label: CodeLabel,
  ): void;
  jump(label: CodeLabel): void;
  /** Enters the kernel with `number` and the arguments in their registers. */
  enterKernel(): void;

  /** Constant data in the middle of the code; must not be run into. Aligned to 8. */
  data(bytes: Uint8Array): CodeLabel;

  /** The finished code. Throws if a label was used and never placed. */
  finish(): Buffer;
}
