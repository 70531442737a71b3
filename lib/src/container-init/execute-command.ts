/** execvp(3) in machine code: the command by its path, or by its name along PATH. */
import { systemCall } from '#lib/assembler/assemble';
import type { CodeLabel, Machine, MachineRegister } from '#lib/assembler/machine';
import { textData } from '#lib/assembler/text';
import { errnoNumber } from '#lib/sys/libc';
import { commandArguments, environment, exitStatuses, frame, stack } from './layout.ts';

const command = 's3';
/** What is left of PATH. */
const rest = 's4';
/** -errno of the best reason so far. */
const reason = 's5';
const standardError = 2;
const [slash, colon] = ['/'.charCodeAt(0), ':'.charCodeAt(0)];

/** Becomes the command, or says why not and exits. */
export function executeCommand(machine: Machine): void {
  const [start, search, failed] = [machine.label(), machine.label(), machine.label()];
  machine.jump(start);
  const texts = {
    path: textData(machine, 'PATH='),
    usualPath: textData(machine, '/bin:/usr/bin'),
  };
  machine.place(start);
  machine.load(command, commandArguments, 0, 8);
  branchWithoutSlash(machine, search);
  systemCall(machine, 'execve', [command, commandArguments, environment]);
  machine.move(reason, 'result');
  machine.jump(failed);

  machine.place(search);
  machine.constant(reason, failure('ENOENT'));
  findPath(machine, texts);
  const next = machine.label();
  machine.place(next);
  buildPath(machine, failed);
  machine.move('arg0', stack);
  machine.add('arg0', frame.path);
  systemCall(machine, 'execve', ['arg0', commandArguments, environment]);
  const [denied, absent] = [machine.label(), machine.label()];
  machine.branch('equal', 'result', failure('ENOENT'), absent);
  machine.branch('equal', 'result', failure('ENOTDIR'), absent);
  machine.branch('equal', 'result', failure('EACCES'), denied);
  machine.move(reason, 'result');
  machine.jump(failed);
  machine.place(denied);
  machine.move(reason, 'result'); // it may still be found further on
  machine.place(absent);
  machine.load('t0', rest, 0, 1);
  machine.branch('equal', 't0', 0, failed);
  machine.add(rest, 1);
  machine.jump(next);

  machine.place(failed);
  reportFailure(machine);
}

/** Goes to `label` when the command is a name rather than a path. An empty one is a path, which is not there. */
function branchWithoutSlash(machine: Machine, label: CodeLabel): void {
  const [loop, found] = [machine.label(), machine.label()];
  machine.move('t0', command);
  machine.load('t1', 't0', 0, 1);
  machine.branch('equal', 't1', 0, found);
  machine.place(loop);
  machine.load('t1', 't0', 0, 1);
  machine.branch('equal', 't1', 0, label);
  machine.add('t0', 1);
  machine.branch('notEqual', 't1', slash, loop);
  machine.place(found);
}

/** `rest` = the value of PATH. */
function findPath(machine: Machine, texts: { path: CodeLabel; usualPath: CodeLabel }): void {
  const [entry, compare, other] = [machine.label(), machine.label(), machine.label()];
  const [done, absent] = [machine.label(), machine.label()];
  machine.move('arg0', environment);
  machine.place(entry);
  machine.load(rest, 'arg0', 0, 8);
  machine.branch('equal', rest, 0, absent);
  machine.address('arg1', texts.path);
  machine.place(compare);
  machine.load('t0', 'arg1', 0, 1);
  machine.branch('equal', 't0', 0, done);
  machine.load('t1', rest, 0, 1);
  machine.branch('notEqual', 't0', 't1', other);
  machine.add('arg1', 1);
  machine.add(rest, 1);
  machine.jump(compare);
  machine.place(other);
  machine.add('arg0', 8);
  machine.jump(entry);
  machine.place(absent);
  machine.address(rest, texts.usualPath);
  machine.place(done);
}

/** Writes the next folder of PATH and the command to the frame; leaves `rest` at the colon or the final NUL. */
function buildPath(machine: Machine, tooLong: CodeLabel): void {
  const [folder, joined, name, done] = [
    machine.label(),
    machine.label(),
    machine.label(),
    machine.label(),
  ];
  const [end, limit] = ['arg0', 'arg1'] as const;
  machine.move(end, stack);
  machine.add(end, frame.path);
  machine.move(limit, stack);
  machine.add(limit, frame.size - 1);
  machine.move('arg2', end);
  machine.place(folder);
  machine.load('t1', rest, 0, 1);
  machine.branch('equal', 't1', 0, joined);
  machine.branch('equal', 't1', colon, joined);
  machine.branch('equal', end, limit, tooLong);
  machine.store('t1', end, 0, 1);
  machine.add(end, 1);
  machine.add(rest, 1);
  machine.jump(folder);
  machine.place(joined);
  machine.move('t0', command);
  machine.branch('equal', end, 'arg2', name); // an empty folder is the current one
  machine.branch('equal', end, limit, tooLong);
  machine.constant('t1', slash);
  machine.store('t1', end, 0, 1);
  machine.add(end, 1);
  machine.place(name);
  machine.load('t1', 't0', 0, 1);
  machine.store('t1', end, 0, 1);
  machine.branch('equal', 't1', 0, done);
  machine.branch('equal', end, limit, tooLong);
  machine.add(end, 1);
  machine.add('t0', 1);
  machine.jump(name);
  machine.place(done);
}

/** `docker-init: cannot run NAME: no such file or directory`, and a shell's exit status. */
function reportFailure(machine: Machine): void {
  const [start, denied, absent] = [machine.label(), machine.label(), machine.label()];
  machine.jump(start);
  const texts = {
    prefix: textData(machine, 'docker-init: cannot run '),
    absent: textData(machine, ': no such file or directory\n'),
    denied: textData(machine, ': permission denied\n'),
    failed: textData(machine, ': it cannot be executed\n'),
  };
  const print = (text: CodeLabel): void => {
    machine.address('s4', text);
    printText(machine, 's4');
  };
  machine.place(start);
  print(texts.prefix);
  printText(machine, command);
  machine.branch('equal', reason, failure('ENOENT'), absent);
  machine.branch('equal', reason, failure('EACCES'), denied);
  print(texts.failed);
  systemCall(machine, 'exit_group', [exitStatuses.failed]);
  machine.place(denied);
  print(texts.denied);
  systemCall(machine, 'exit_group', [exitStatuses.notExecutable]);
  machine.place(absent);
  print(texts.absent);
  systemCall(machine, 'exit_group', [exitStatuses.notFound]);
}

/** Writes a NUL-terminated text to stderr. */
function printText(machine: Machine, text: MachineRegister): void {
  const [loop, done] = [machine.label(), machine.label()];
  machine.move('arg2', text);
  machine.place(loop);
  machine.load('t1', 'arg2', 0, 1);
  machine.branch('equal', 't1', 0, done);
  machine.add('arg2', 1);
  machine.jump(loop);
  machine.place(done);
  machine.subtract('arg2', text);
  systemCall(machine, 'write', [standardError, text, 'arg2']);
}

/** -errno, as the kernel answers it. */
function failure(name: string): number {
  return -errnoNumber(name);
}
