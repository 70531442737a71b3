/** Text in machine code: what the launchers and `hello` need to build paths and messages. */
import type { CodeLabel, Machine, MachineRegister } from './machine.ts';

/** Constant text with its final NUL, in the middle of the code. */
export function textData(machine: Machine, text: string): CodeLabel {
  return machine.data(Buffer.from(`${text}\0`));
}

/**
 * Copies the NUL-terminated text at `from` to `to` and leaves `to` at the copied NUL, so that the next text can
 * follow. Overwrites `from` and t1.
 */
export function copyText(machine: Machine, to: MachineRegister, from: MachineRegister): void {
  const [loop, done] = [machine.label(), machine.label()];
  machine.place(loop);
  machine.load('t1', from, 0, 1);
  machine.store('t1', to, 0, 1);
  machine.branch('equal', 't1', 0, done);
  machine.add(from, 1);
  machine.add(to, 1);
  machine.jump(loop);
  machine.place(done);
}

/** {@link copyText} of constant text. Overwrites t0, t1. */
export function appendText(machine: Machine, to: MachineRegister, text: CodeLabel): void {
  machine.address('t0', text);
  copyText(machine, to, 't0');
}

/** The powers of ten below 2^64, downwards, and a final 0: what {@link appendDecimal} divides by. */
export function powersOfTen(machine: Machine): CodeLabel {
  const table = Buffer.alloc(21 * 8);
  for (let index = 0; index < 20; index++) {
    table.writeBigUInt64LE(10n ** BigInt(19 - index), index * 8);
  }
  return machine.data(table);
}

/**
 * Writes the unsigned number in `value` in decimal to `to`, with a NUL, and leaves `to` at the NUL.
 * No machine of ours divides: each digit is how often its power of ten can be subtracted.
 * Overwrites `value`, t0, t1 and arg5.
 */
export function appendDecimal(
  machine: Machine,
  to: MachineRegister,
  value: MachineRegister,
  powers: CodeLabel,
): void {
  const [skip, digit, count] = [machine.label(), machine.label(), machine.label()];
  const [emit, done] = [machine.label(), machine.label()];
  machine.address('t0', powers);
  machine.place(skip); // leading zeros, but not the last digit
  machine.load('t1', 't0', 0, 8);
  machine.branch('aboveOrEqual', value, 't1', digit);
  machine.branch('equal', 't1', 1, digit);
  machine.add('t0', 8);
  machine.jump(skip);
  machine.place(digit);
  machine.load('t1', 't0', 0, 8);
  machine.branch('equal', 't1', 0, done);
  machine.constant('arg5', '0'.charCodeAt(0));
  machine.place(count);
  machine.branch('below', value, 't1', emit);
  machine.subtract(value, 't1');
  machine.add('arg5', 1);
  machine.jump(count);
  machine.place(emit);
  machine.store('arg5', to, 0, 1);
  machine.add(to, 1);
  machine.add('t0', 8);
  machine.jump(digit);
  machine.place(done);
  machine.store('t1', to, 0, 1); // the table's final 0
}
