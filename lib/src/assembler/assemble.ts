/** From a function that writes code to an executable, and the system call as such functions write it. */
import { syscallNumber, type Architecture, type SyscallName } from '#lib/sys/syscalls';
import { Arm64Machine } from './arm64-machine.ts';
import { staticElf } from './elf.ts';
import { argumentRegisters, type Machine, type MachineRegister } from './machine.ts';
import { X64Machine } from './x64-machine.ts';

/** A static executable of the code that `write` emits; it starts at the first instruction. */
export function assembleExecutable(
  architecture: Architecture,
  write: (machine: Machine) => void,
): Buffer {
  const machine = architecture === 'x64' ? new X64Machine() : new Arm64Machine();
  write(machine);
  return staticElf(machine.finish(), architecture);
}

/**
 * A system call; what it answers is in `result`. Arguments are set in order, so a register among them must not
 * be an argument register that was set before (give `arg1` as the second argument to leave it as it is).
 */
export function systemCall(
  machine: Machine,
  name: SyscallName,
  args: readonly (MachineRegister | number)[],
): void {
  args.forEach((value, index) => {
    const register = argumentRegisters[index];
    if (register === undefined) throw new RangeError(`${name}: too many arguments`);
    if (typeof value === 'number') machine.constant(register, value);
    else if (value !== register) machine.move(register, value);
  });
  machine.constant('number', syscallNumber(name, machine.architecture));
  machine.enterKernel();
}
