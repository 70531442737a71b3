/**
 * The loader: a freestanding executable that maps a program of system calls from a fixed descriptor, closes
 * that descriptor and executes the operations (format: encode.ts). It is single-threaded, so that every
 * namespace call is allowed to it, and it uses no memory but its stack and the mapped program.
 *
 * A clone inside the program returns twice into the same program; the child branches on result 0.
 */
import { assembleExecutable, systemCall } from '#lib/assembler/assemble';
import {
  argumentRegisters,
  type CodeLabel,
  type Machine,
  type MachineRegister,
} from '#lib/assembler/machine';
import { sigprocmaskHow } from '#lib/sys/flags';
import { errnoNumber } from '#lib/sys/libc';
import type { Architecture } from '#lib/sys/syscalls';
import {
  demands,
  field,
  header,
  headerSize,
  kinds,
  operandKinds,
  operationSize,
} from './encode.ts';
import { failureRecordSize, record } from './failure.ts';
import { maximumErrnoBranches, programMagic, registerCount, resultDescriptor } from './program.ts';

/** The stack frame: operands of the current operation, then the program's registers and the spare one. */
const frame = { operands: 0, registers: 48 } as const;
const frameSize = 48 + 8 * (registerCount + 1) + 8; // a multiple of 16

/** A failed system call answers -1 to -4095; as an unsigned number that is at least this. */
const firstErrorResult = -4095;

const SEEK_END = 2;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE = 2;

const SIG_SETMASK = sigprocmaskHow.SIG_SETMASK;
const lastSignal = 64;
/** Of the kernel's sigset_t, in bytes. */
const signalSetSize = 8;

/** Exit status of a loader that has failed, whether or not it could report it. */
export const loaderFailureStatus = 1;

/** What the machine's registers hold while the loader runs. */
const operation = 's0';
const data = 's1';
const program = 's2';
const stack = 's3';
const retriesLeft = 's4';
const outcome = 's5';

/** The loader that reads its program from descriptor `programDescriptor`. */
export function loaderElf(architecture: Architecture, programDescriptor: number): Buffer {
  return assembleExecutable(architecture, (machine) => {
    writeLoader(machine, programDescriptor);
  });
}

function writeLoader(machine: Machine, programDescriptor: number): void {
  const labels = {
    next: machine.label(), // the operation at `operation`
    again: machine.label(), // the same one, after a retry
    advance: machine.label(), // the one after it
    jump: machine.label(), // the one at offset t0 of the program
    fail: machine.label(), // reports `operation` and `outcome`
    fault: machine.label(), // the same for an address outside the data
    stop: machine.label(), // exits without a report
  };
  writeStart(machine, programDescriptor, labels.stop);
  writeRelocation(machine);
  writeSignalReset(machine);

  machine.move(operation, program);
  machine.add(operation, headerSize);
  machine.place(labels.next);
  const running = machine.label();
  machine.load('t0', program, header.relocations, 4); // the operations end where the relocations begin
  machine.add('t0', program);
  machine.branch('below', operation, 't0', running);
  systemCall(machine, 'exit_group', [0]);

  machine.place(running);
  machine.load(retriesLeft, operation, field.retries, 2);
  machine.place(labels.again);
  for (let index = 0; index < argumentRegisters.length; index++) resolveOperand(machine, index);
  writeDispatch(machine, labels);

  machine.place(labels.advance);
  machine.add(operation, operationSize);
  machine.jump(labels.next);
  machine.place(labels.jump);
  machine.move(operation, program);
  machine.add(operation, 't0');
  machine.jump(labels.next);

  machine.place(labels.fault);
  machine.constant(outcome, -errnoNumber('EFAULT'));
  machine.place(labels.fail);
  writeFailure(machine);
  machine.place(labels.stop);
  systemCall(machine, 'exit_group', [loaderFailureStatus]);
}

/**
 * Signals as a process expects them, whatever ours were: default dispositions (an ignored signal stays ignored
 * across execve) and an empty mask. SIGKILL, SIGSTOP refuse, which does not matter.
 */
function writeSignalReset(machine: Machine): void {
  const loop = machine.label();
  machine.constant(operation, 1);
  machine.place(loop); // the zeroed frame is a sigaction with SIG_DFL, and an empty set
  systemCall(machine, 'rt_sigaction', [operation, stack, 0, signalSetSize]);
  machine.add(operation, 1);
  machine.branch('below', operation, lastSignal + 1, loop);
  systemCall(machine, 'rt_sigprocmask', [SIG_SETMASK, stack, 0, signalSetSize]);
}

/** Frame, mapping of the program, `program` and `data`. */
function writeStart(machine: Machine, programDescriptor: number, stop: CodeLabel): void {
  machine.subtract('sp', frameSize);
  machine.move(stack, 'sp');
  writeZeroes(machine);

  systemCall(machine, 'lseek', [programDescriptor, 0, SEEK_END]);
  machine.branch('aboveOrEqual', 'result', firstErrorResult, stop);
  machine.move('arg1', 'result');
  systemCall(machine, 'mmap', [0, 'arg1', PROT_READ_WRITE, MAP_PRIVATE, programDescriptor, 0]);
  machine.branch('aboveOrEqual', 'result', firstErrorResult, stop);
  machine.move(program, 'result');
  systemCall(machine, 'close', [programDescriptor]);
  machine.load('t0', program, header.magic, 4);
  machine.branch('notEqual', 't0', programMagic, stop);

  machine.load(data, program, header.data, 4);
  machine.add(data, program);
  machine.load('t0', program, header.resultDescriptor, 4);
  machine.store('t0', stack, frame.registers + 8 * resultDescriptor.register, 8);
}

/** Clears the frame: registers of a program are 0 at its start. */
function writeZeroes(machine: Machine): void {
  const loop = machine.label();
  machine.constant('t0', 0);
  machine.move(operation, stack);
  machine.move(outcome, stack);
  machine.add(outcome, frameSize);
  machine.place(loop);
  machine.store('t0', operation, 0, 8);
  machine.add(operation, 8);
  machine.branch('below', operation, outcome, loop);
}

/** Turns the data offsets that the table names into addresses. */
function writeRelocation(machine: Machine): void {
  const [loop, done] = [machine.label(), machine.label()];
  machine.load(operation, program, header.relocations, 4);
  machine.add(operation, program);
  machine.place(loop);
  machine.load('t1', program, header.data, 4); // the relocations end where the data begins
  machine.add('t1', program);
  machine.branch('aboveOrEqual', operation, 't1', done);
  machine.load('t0', operation, 0, 8);
  machine.add('t0', data);
  machine.load('t1', 't0', 0, 8);
  machine.add('t1', data);
  machine.store('t1', 't0', 0, 8);
  machine.add(operation, 8);
  machine.jump(loop);
  machine.place(done);
}

/** Puts the value of an operand into the frame. */
function resolveOperand(machine: Machine, index: number): void {
  const [constant, address] = [machine.label(), machine.label()];
  machine.load('t0', operation, field.operands + 8 * index, 8);
  machine.load('t1', operation, field.operandKinds + index, 1);
  machine.branch('equal', 't1', operandKinds.constant, constant);
  machine.branch('equal', 't1', operandKinds.data, address);
  machine.add('t0', stack);
  machine.load('t0', 't0', frame.registers, 8);
  machine.jump(constant);
  machine.place(address);
  machine.add('t0', data);
  machine.place(constant);
  machine.store('t0', stack, frame.operands + 8 * index, 8);
}

interface LoaderLabels {
  again: CodeLabel;
  advance: CodeLabel;
  jump: CodeLabel;
  fail: CodeLabel;
  fault: CodeLabel;
}

function writeDispatch(machine: Machine, labels: LoaderLabels): void {
  const handlers = Object.values(kinds).map((kind) => ({ kind, at: machine.label() }));
  machine.load('t0', operation, field.kind, 1);
  for (const { kind, at } of handlers) machine.branch('equal', 't0', kind, at);
  machine.jump(labels.fault);
  for (const { kind, at } of handlers) {
    machine.place(at);
    switch (kind) {
      case kinds.syscall:
        writeSyscall(machine, labels);
        break;
      case kinds.move:
        loadOperand(machine, 't1', 0);
        storeResult(machine);
        break;
      case kinds.load32:
      case kinds.load64:
        checkBounds(machine, kind === kinds.load32 ? 4 : 8, labels.fault);
        machine.load('t1', 't0', 0, kind === kinds.load32 ? 4 : 8);
        storeResult(machine);
        break;
      case kinds.store32:
      case kinds.store64:
        checkBounds(machine, kind === kinds.store32 ? 4 : 8, labels.fault);
        loadOperand(machine, 't1', 1);
        machine.store('t1', 't0', 0, kind === kinds.store32 ? 4 : 8);
        break;
      case kinds.branch:
        loadOperand(machine, 't0', 0);
        loadOperand(machine, 't1', 1);
        machine.and('t0', 't1');
        loadOperand(machine, 't1', 2);
        machine.branch('notEqual', 't0', 't1', labels.advance);
        machine.load('t0', operation, field.targets, 4);
        machine.jump(labels.jump);
        break;
      case kinds.fail:
        loadOperand(machine, outcome, 0);
        machine.jump(labels.fail);
        break;
    }
    if (kind !== kinds.branch && kind !== kinds.fail) machine.jump(labels.advance);
  }
}

function loadOperand(machine: Machine, register: MachineRegister, index: number): void {
  machine.load(register, stack, frame.operands + 8 * index, 8);
}

/** The operation's register = t1. Overwrites t0. */
function storeResult(machine: Machine): void {
  machine.load('t0', operation, field.register, 2);
  machine.add('t0', stack);
  machine.store('t1', 't0', frame.registers, 8);
}

/** t0 = the first operand, an address; goes to `fault` unless `size` bytes from there on are data. */
function checkBounds(machine: Machine, size: number, fault: CodeLabel): void {
  machine.load('t1', program, header.dataSize, 4);
  machine.branch('below', 't1', size, fault);
  machine.subtract('t1', size);
  loadOperand(machine, 't0', 0);
  machine.subtract('t0', data); // below the data it becomes huge
  machine.branch('above', 't0', 't1', fault);
  machine.add('t0', data);
}

function writeSyscall(machine: Machine, labels: LoaderLabels): void {
  argumentRegisters.forEach((register, index) => {
    machine.load(register, stack, frame.operands + 8 * index, 8);
  });
  machine.load('number', operation, field.number, 2);
  machine.enterKernel();
  machine.move(outcome, 'result');
  machine.move('t1', outcome);
  const succeeded = machine.label();
  machine.branch('below', outcome, firstErrorResult, succeeded);
  writeErrnoHandling(machine, labels);

  machine.place(succeeded);
  storeResult(machine);
  machine.load('t0', operation, field.demand, 1);
  machine.branch('equal', 't0', demands.any, labels.advance);
  const exact = machine.label();
  machine.branch('equal', 't0', demands.exact, exact);
  machine.branch('less', outcome, 0, labels.fail);
  machine.jump(labels.advance);
  machine.place(exact);
  machine.load('t0', operation, field.demanded, 8);
  machine.branch('notEqual', outcome, 't0', labels.fail);
}

/** Retries, then the operation's own branches; falls through for any other errno. Leaves t1 = outcome. */
function writeErrnoHandling(machine: Machine, { again, jump }: LoaderLabels): void {
  const [noRetry, branchHere, unexpected] = [machine.label(), machine.label(), machine.label()];
  machine.load('t0', operation, field.interrupted, 2);
  machine.add('t0', outcome); // errno + -errno
  machine.branch('equal', 't0', 0, again);

  machine.branch('equal', retriesLeft, 0, noRetry);
  machine.load('t0', operation, field.retryErrno, 2);
  machine.add('t0', outcome);
  machine.branch('notEqual', 't0', 0, noRetry);
  machine.subtract(retriesLeft, 1);
  machine.jump(again);
  machine.place(noRetry);

  for (let index = 0; index < maximumErrnoBranches; index++) {
    const other = machine.label();
    machine.load('t0', operation, field.errnos + 2 * index, 2);
    machine.add('t0', outcome);
    machine.branch('notEqual', 't0', 0, other); // an unused slot holds 0, which is no errno
    machine.load('arg5', operation, field.targets + 4 * index, 4);
    machine.jump(branchHere);
    machine.place(other);
  }
  machine.jump(unexpected);
  machine.place(branchHere);
  storeResult(machine);
  machine.move('t0', 'arg5');
  machine.jump(jump);
  machine.place(unexpected);
}

/** Writes the record of failure.ts to the descriptor in {@link resultDescriptor}. */
function writeFailure(machine: Machine): void {
  systemCall(machine, 'getpid', []);
  machine.store('result', stack, record.pid, 8);
  machine.constant('t0', programMagic);
  machine.store('t0', stack, record.magic, 8);
  machine.subtract(operation, program);
  machine.store(operation, stack, record.operation, 8);
  machine.store(outcome, stack, record.result, 8);
  machine.load('arg0', stack, frame.registers + 8 * resultDescriptor.register, 8);
  systemCall(machine, 'write', ['arg0', stack, failureRecordSize]);
}
