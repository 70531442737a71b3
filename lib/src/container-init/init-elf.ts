/**
 * The process with number 1 of a container that was asked for with `--init`: starts the container's command, hands on
 * every signal to it, buries whatever is orphaned, and ends as the command ends. `docker-init [--] COMMAND [ARG...]`.
 */
import { assembleExecutable, systemCall } from '#lib/assembler/assemble';
import type { CodeLabel, Machine } from '#lib/assembler/machine';
import { textData } from '#lib/assembler/text';
import { sigprocmaskHow } from '#lib/sys/flags';
import type { Architecture } from '#lib/sys/syscalls';
import { parseSignal } from '#spec/signals';
import { executeCommand } from './execute-command.ts';
import { commandArguments, environment, exitStatuses, frame, stack } from './layout.ts';

/** The command's process. */
const child = 's3';
const signal = 's4';

const SIG_SETMASK = sigprocmaskHow.SIG_SETMASK;
/** Of the kernel's sigset_t, in bytes. */
const signalSetSize = 8;
const WNOHANG = 1;
const TIOCSPGRP = 0x5410;
const standardInput = 0;

/** Faults of this very program; everything else is waited for. */
const ownFaults = ['FPE', 'ILL', 'SEGV', 'BUS', 'ABRT', 'TRAP', 'SYS'];
/** About the terminal of whoever gets them; the command has its own. */
const unforwarded = ['TTIN', 'TTOU'];

/** The static executable. */
export function initElf(architecture: Architecture): Buffer {
  return assembleExecutable(architecture, (machine) => {
    const [start, usage] = [machine.label(), machine.label()];
    machine.jump(start);
    const dashes = textData(machine, '--');
    machine.place(start);
    readArguments(machine, dashes, usage);
    machine.subtract('sp', frame.size);
    machine.move(stack, 'sp');
    blockSignals(machine);
    const inChild = machine.label();
    systemCall(machine, 'clone', [parseSignal('CHLD'), 0, 0, 0, 0]);
    machine.branch('equal', 'result', 0, inChild);
    machine.branch('less', 'result', 0, usage);
    machine.move(child, 'result');
    supervise(machine);

    machine.place(inChild);
    leadTerminal(machine);
    machine.move('arg1', stack);
    machine.add('arg1', frame.oldMask);
    systemCall(machine, 'rt_sigprocmask', [SIG_SETMASK, 'arg1', 0, signalSetSize]);
    executeCommand(machine);

    machine.place(usage);
    systemCall(machine, 'exit_group', [exitStatuses.failed]);
  });
}

/** Finds command and environment above `sp`, where the kernel puts argc, argv, NULL, envp. */
function readArguments(machine: Machine, dashes: CodeLabel, missing: CodeLabel): void {
  const plain = machine.label();
  machine.move(commandArguments, 'sp');
  machine.load(environment, commandArguments, 0, 8);
  for (let doubling = 0; doubling < 3; doubling++) machine.add(environment, environment);
  machine.add(commandArguments, 8);
  machine.add(environment, commandArguments);
  machine.add(environment, 8);
  machine.add(commandArguments, 8);
  machine.load('t0', commandArguments, 0, 8);
  machine.branch('equal', 't0', 0, missing);
  machine.address('t1', dashes);
  machine.load('arg0', 't1', 0, 2);
  machine.load('arg1', 't0', 0, 1);
  machine.branch('notEqual', 'arg1', '-'.charCodeAt(0), plain);
  machine.load('arg1', 't0', 0, 2); // two bytes are there: a character and at least the NUL
  machine.branch('notEqual', 'arg0', 'arg1', plain);
  machine.load('arg1', 't0', 2, 1);
  machine.branch('notEqual', 'arg1', 0, plain);
  machine.add(commandArguments, 8);
  machine.load('t0', commandArguments, 0, 8);
  machine.branch('equal', 't0', 0, missing);
  machine.place(plain);
}

/** From here on signals wait until rt_sigtimedwait(2) fetches them. */
function blockSignals(machine: Machine): void {
  const faults = ownFaults.reduce((set, name) => set | (1n << BigInt(parseSignal(name) - 1)), 0n);
  machine.constant('t0', ~faults);
  machine.store('t0', stack, frame.mask, 8);
  machine.move('arg1', stack);
  machine.add('arg1', frame.mask);
  machine.move('arg2', stack);
  machine.add('arg2', frame.oldMask);
  systemCall(machine, 'rt_sigprocmask', [SIG_SETMASK, 'arg1', 'arg2', signalSetSize]);
}

/** Passes signals on and reaps, until the command has ended. */
function supervise(machine: Machine): void {
  const [next, reap] = [machine.label(), machine.label()];
  machine.place(next);
  machine.move('arg0', stack);
  machine.add('arg0', frame.mask);
  systemCall(machine, 'rt_sigtimedwait', ['arg0', 0, 0, signalSetSize]);
  machine.branch('less', 'result', 0, next); // interrupted
  machine.move(signal, 'result');
  machine.branch('equal', signal, parseSignal('CHLD'), reap);
  for (const name of unforwarded) machine.branch('equal', signal, parseSignal(name), next);
  systemCall(machine, 'kill', [child, signal]);
  machine.jump(next);

  machine.place(reap); // one SIGCHLD may stand for many
  machine.move('arg1', stack);
  machine.add('arg1', frame.status);
  systemCall(machine, 'wait4', [-1, 'arg1', WNOHANG, 0]);
  machine.branch('less', 'result', 1, next);
  machine.branch('notEqual', 'result', child, reap);
  const exited = machine.label();
  // wait(2): the signal stands in the lowest seven bits, the exit status in the next byte.
  machine.load('t0', stack, frame.status, 1);
  machine.constant('t1', 0x7f);
  machine.and('t0', 't1');
  machine.branch('equal', 't0', 0, exited);
  machine.add('t0', 128);
  systemCall(machine, 'exit_group', ['t0']);
  machine.place(exited);
  machine.load('t0', stack, frame.status + 1, 1);
  systemCall(machine, 'exit_group', ['t0']);
}

/**
 * Makes the command a process group of its own, in the foreground of the terminal if there is one: what is typed
 * there must reach it once, not twice. SIGTTOU is blocked, or this would stop us.
 */
function leadTerminal(machine: Machine): void {
  systemCall(machine, 'setpgid', [0, 0]);
  systemCall(machine, 'getpid', []);
  machine.store('result', stack, frame.status, 4);
  machine.move('arg2', stack);
  machine.add('arg2', frame.status);
  systemCall(machine, 'ioctl', [standardInput, TIOCSPGRP, 'arg2']);
}
