/**
 * The files in `bin/`: executables of about 1 KB that start Node with a bundle. They find both through
 * /proc/self/exe, so that symbolic links to them and moved folders work and no `node` is needed on PATH:
 *
 *   DIR/bin/NAME args…   becomes   DIR/lib/node [node options] DIR/lib/NAME.cjs args…
 *
 * Node raises the soft limit of open files for itself and its children. So that a container can get back the
 * limit from before, the launcher records it in {@link softOpenFilesVariable}.
 */
import { assembleExecutable, systemCall } from '#lib/assembler/assemble';
import type { CodeLabel, Machine, MachineRegister } from '#lib/assembler/machine';
import { appendDecimal, appendText, copyText, powersOfTen, textData } from '#lib/assembler/text';
import { AT_FDCWD } from '#lib/sys/flags';
import { errnoNumber } from '#lib/sys/libc';
import type { Architecture } from '#lib/sys/syscalls';
import { rlimitNumbers } from '#spec/rlimits';

/**
 * Environment variable with the soft RLIMIT_NOFILE from before Node, in decimal. Written by the launcher; the
 * runtime reads it and removes it. Where soft and hard limit are equal, as Node leaves them to its children,
 * a value that is there already is kept: it comes from further outside.
 */
export const softOpenFilesVariable = 'ENGINE_NOFILE_SOFT';

/** Exit status when Node cannot be run, as shells have it. */
const cannotRun = 127;
const standardError = 2;

const pathSize = 4096; // PATH_MAX
/** The stack frame: two paths, the environment variable, a struct rlimit64. */
const frame = { node: 0, script: pathSize, variable: 2 * pathSize, limit: 2 * pathSize + 64 };
const frameSize = 2 * pathSize + 64 + 16;
/** Leaves room for what is appended. */
const longestFolder = pathSize - 96;

/** What the registers hold. */
const initialStack = 's0'; // argc, argv…, NULL, environment…, NULL
const buffers = 's1';

/** The launcher of the executable `name`. `nodeOptions` go to Node itself, before the bundle. */
export function launcherElf(
  name: string,
  architecture: Architecture,
  nodeOptions: readonly string[] = [],
): Buffer {
  return assembleExecutable(architecture, (machine) => {
    const start = machine.label();
    machine.jump(start);
    const texts = {
      name: textData(machine, name),
      self: textData(machine, '/proc/self/exe'),
      node: textData(machine, '/lib/node'),
      script: textData(machine, `/lib/${name}.cjs`),
      variable: textData(machine, `${softOpenFilesVariable}=`),
      options: nodeOptions.map((option) => textData(machine, option)),
      powers: powersOfTen(machine),
    };
    const failed = machine.label();
    machine.place(start);
    machine.move(initialStack, 'sp');
    machine.subtract('sp', frameSize);
    machine.move(buffers, 'sp');
    buildPaths(machine, texts, failed);
    buildVariable(machine, texts);
    buildArguments(machine, texts);
    systemCall(machine, 'execve', [buffers, 's5', 's2']);
    machine.place(failed);
    reportFailure(machine, name, texts.powers);
  });
}

type Texts = Readonly<
  Record<'name' | 'self' | 'node' | 'script' | 'variable' | 'powers', CodeLabel>
> & {
  readonly options: readonly CodeLabel[];
};

/** DIR/bin/NAME → DIR/lib/node and DIR/lib/NAME.cjs. */
function buildPaths(machine: Machine, texts: Texts, failed: CodeLabel): void {
  machine.constant('t0', 0);
  machine.store('t0', buffers, frame.node, 1); // a failure names no path
  machine.address('arg1', texts.self);
  systemCall(machine, 'readlinkat', [AT_FDCWD, 'arg1', buffers, longestFolder]);
  machine.branch('aboveOrEqual', 'result', -4095, failed);
  machine.move('s2', buffers);
  machine.add('s2', 'result');
  for (let component = 0; component < 2; component++) {
    const [loop, done] = [machine.label(), machine.label()];
    machine.place(loop);
    machine.branch('equal', 's2', buffers, done); // /NAME: the parent of / is /
    machine.subtract('s2', 1);
    machine.load('t0', 's2', 0, 1);
    machine.branch('notEqual', 't0', '/'.charCodeAt(0), loop);
    machine.place(done);
  }
  machine.constant('t0', 0);
  machine.store('t0', 's2', 0, 1);

  machine.move('s3', buffers);
  machine.add('s3', frame.script);
  machine.move('t0', buffers);
  copyText(machine, 's3', 't0');
  appendText(machine, 's3', texts.script);
  appendText(machine, 's2', texts.node);
}

/** ENGINE_NOFILE_SOFT=1024 */
function buildVariable(machine: Machine, texts: Texts): void {
  machine.move('arg3', buffers);
  machine.add('arg3', frame.limit);
  systemCall(machine, 'prlimit64', [0, rlimitNumbers.RLIMIT_NOFILE, 0, 'arg3']);
  machine.load('s2', buffers, frame.limit, 8);
  machine.move('s3', buffers);
  machine.add('s3', frame.variable);
  appendText(machine, 's3', texts.variable);
  appendDecimal(machine, 's3', 's2', texts.powers);
}

/** s5 = new argv, s2 = new environment, both on the stack. */
function buildArguments(machine: Machine, texts: Texts): void {
  const environment = 's3';
  machine.load(environment, initialStack, 0, 8);
  for (let doubling = 0; doubling < 3; doubling++) machine.add(environment, environment); // argc × 8
  machine.add(environment, initialStack);
  machine.add(environment, 16);

  // Room for all pointers there are now and those that come in addition, in whole 16 bytes.
  machine.move('t0', environment);
  forEachPointer(machine, 't0', () => undefined);
  machine.subtract('t0', initialStack);
  machine.add('t0', 8 * (texts.options.length + 8));
  machine.constant('t1', -16);
  machine.and('t0', 't1');
  machine.subtract('sp', 't0');
  machine.move('s5', 'sp');

  const end = 's2';
  machine.move(end, 's5');
  for (const text of [texts.name, ...texts.options]) {
    machine.address('t0', text);
    push(machine, end, 't0');
  }
  machine.move('t0', buffers);
  machine.add('t0', frame.script);
  push(machine, end, 't0');
  copyCallerArguments(machine, end);
  buildEnvironment(machine, environment, end, texts.variable);
}

/** argv[1]… and a final null. argv[0] may be missing: execve allows an empty argv. */
function copyCallerArguments(machine: Machine, end: MachineRegister): void {
  const none = machine.label();
  machine.load('t0', initialStack, 0, 8);
  machine.branch('equal', 't0', 0, none);
  machine.move('s4', initialStack);
  machine.add('s4', 16);
  forEachPointer(machine, 's4', (argument) => {
    push(machine, end, argument);
  });
  machine.place(none);
  pushNull(machine, end);
}

/** The caller's environment and our variable. Afterwards s2 is where it begins. */
function buildEnvironment(
  machine: Machine,
  environment: MachineRegister,
  end: 's2',
  variable: CodeLabel,
): void {
  const inherited = 's4';
  machine.constant(inherited, 0);
  machine.move('arg4', end);
  forEachPointer(machine, environment, (entry) => {
    const [compare, same] = [machine.label(), machine.label()];
    const [other, next] = [machine.label(), machine.label()];
    machine.move('arg0', entry);
    machine.address('arg1', variable);
    machine.place(compare);
    machine.load('t1', 'arg1', 0, 1);
    machine.branch('equal', 't1', 0, same);
    machine.load('arg2', 'arg0', 0, 1);
    machine.branch('notEqual', 't1', 'arg2', other);
    machine.add('arg0', 1);
    machine.add('arg1', 1);
    machine.jump(compare);
    machine.place(same);
    machine.move(inherited, entry);
    machine.jump(next);
    machine.place(other);
    push(machine, end, entry);
    machine.place(next);
  });

  const [ours, chosen] = [machine.label(), machine.label()];
  machine.load('t0', buffers, frame.limit, 8);
  machine.load('t1', buffers, frame.limit + 8, 8);
  machine.branch('notEqual', 't0', 't1', ours);
  machine.branch('notEqual', inherited, 0, chosen);
  machine.place(ours);
  machine.move(inherited, buffers);
  machine.add(inherited, frame.variable);
  machine.place(chosen);
  push(machine, end, inherited);
  pushNull(machine, end);
  machine.move(end, 'arg4');
}

/** Runs `body` with t0 = each pointer of a null-terminated array; leaves `cursor` at the null. */
function forEachPointer(
  machine: Machine,
  cursor: MachineRegister,
  body: (entry: 't0') => void,
): void {
  const entry = cursor === 't0' ? 't1' : 't0';
  const [loop, done] = [machine.label(), machine.label()];
  machine.place(loop);
  machine.load(entry, cursor, 0, 8);
  machine.branch('equal', entry, 0, done);
  body('t0');
  machine.add(cursor, 8);
  machine.jump(loop);
  machine.place(done);
}

function push(machine: Machine, end: MachineRegister, value: MachineRegister): void {
  machine.store(value, end, 0, 8);
  machine.add(end, 8);
}

function pushNull(machine: Machine, end: MachineRegister): void {
  machine.constant('t0', 0);
  push(machine, end, 't0');
}

/** `engine: cannot run DIR/lib/node: no such file or directory` on stderr, exit 127. */
function reportFailure(machine: Machine, name: string, powers: CodeLabel): void {
  const [start, numbered, print] = [machine.label(), machine.label(), machine.label()];
  machine.move('s5', 'result');
  machine.jump(start);
  const texts = {
    prefix: textData(machine, `${name}: cannot run `),
    missing: textData(machine, ': no such file or directory\n'),
    number: textData(machine, ': errno '),
    newline: textData(machine, '\n'),
  };
  machine.place(start);
  const message = 's4'; // overwrites the script's path
  const end = 's2';
  machine.move(message, buffers);
  machine.add(message, frame.script);
  machine.move(end, message);
  appendText(machine, end, texts.prefix);
  machine.move('t0', buffers);
  copyText(machine, end, 't0');
  machine.branch('notEqual', 's5', -errnoNumber('ENOENT'), numbered);
  appendText(machine, end, texts.missing);
  machine.jump(print);
  machine.place(numbered);
  appendText(machine, end, texts.number);
  machine.constant('s3', 0);
  machine.subtract('s3', 's5');
  appendDecimal(machine, end, 's3', powers);
  appendText(machine, end, texts.newline);
  machine.place(print);
  machine.subtract(end, message);
  systemCall(machine, 'write', [standardError, message, end]);
  systemCall(machine, 'exit_group', [cannotRun]);
}
