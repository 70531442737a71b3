/** What `make run` does; see scripts/run. */
import fs from 'node:fs';
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import { readMachineState, settleTo } from '../integration-tests/harness/machine-state.ts';
import { Stack } from '../integration-tests/harness/stack.ts';
import { runOk } from '../integration-tests/harness/command.ts';
import { ProcessWatch, type SeenProcess } from './process-watch.ts';

/** A call that a layer logged: one record per call, at level debug. */
interface CallRecord {
  component: string;
  call: string;
  durationMs: number;
  time: string;
}

const before = readMachineState();
const stack = await Stack.start();
try {
  say(`a stack in ${stack.root}: ${stack.host}, bridge ${stack.bridge}`);
  // The shim that gets the container stands by already.
  const watch = new ProcessWatch((command) => command.includes(stack.root));
  const started = new Date().toISOString();
  const result = await runOk(executablePath('engine'), ['-H', stack.host, 'run', '--rm', 'hello']);
  watch.stop();
  say('engine run --rm hello');
  process.stdout.write(result.stdout);
  say('the processes that did it (pid, command)');
  printProcesses(watch, stack);
  say('what each layer did, and how long it took');
  printCalls(result.durationMs, readCalls(stack.root, started));
} finally {
  await stack.stop();
}
const differences = await settleTo(before);
if (differences.length > 0) {
  console.error(`something was left behind:\n${differences.join('\n')}`);
  process.exitCode = 1;
} else {
  say('stopped; nothing is left behind');
}

function say(line: string): void {
  console.log(`\n== ${line}`);
}

/** The daemons, and what was started for the container, however short it lived. */
function printProcesses(watch: ProcessWatch, { enginedPid, containerdPid, root }: Stack): void {
  const all = new Map<number, SeenProcess>(watch.processes);
  all.set(enginedPid, { pid: enginedPid, parent: process.pid, command: 'engined' });
  all.set(containerdPid, { pid: containerdPid, parent: enginedPid, command: 'containerd-lite' });
  const show = (pid: number, depth: number): void => {
    const seen = all.get(pid);
    if (!seen) return;
    all.delete(pid);
    console.log(`${String(pid).padStart(8)}  ${'  '.repeat(depth)}${shorten(seen.command)}`);
    for (const child of [...all.values()].filter(({ parent }) => parent === pid)) {
      show(child.pid, depth + 1);
    }
  };
  const cli = [...all.values()].find(({ command }) => command.startsWith('engine '));
  if (cli) show(cli.pid, 0);
  show(enginedPid, 0);
  // A shim is nobody's child: it must outlive the daemons.
  for (const { pid } of [...all.values()].filter(({ command }) => command.includes(root)))
    show(pid, 0);
}

function printCalls(totalMs: number, calls: readonly CallRecord[]): void {
  const row = (component: string, call: string, durationMs: number): void => {
    console.log(`${durationMs.toFixed(1).padStart(9)} ms  ${component.padEnd(26)}${call}`);
  };
  row('engine', 'run --rm hello', totalMs);
  for (const { component, call, durationMs } of calls) row(component, shorten(call), durationMs);
}

/** Records with a call and a duration in any log below `root`, since `started`, in order of their beginning. */
function readCalls(root: string, started: string): CallRecord[] {
  const logs = fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.log'));
  const beginning = ({ time, durationMs }: CallRecord): number => Date.parse(time) - durationMs;
  return logs
    .flatMap((name) => fs.readFileSync(path.join(root, name), 'utf8').split('\n'))
    .flatMap(parseCall)
    .filter(({ time }) => time >= started)
    .sort((a, b) => beginning(a) - beginning(b));
}

function parseCall(line: string): CallRecord[] {
  if (!line.startsWith('{')) return [];
  try {
    const record = JSON.parse(line) as Partial<CallRecord>; // our own log
    return record.call !== undefined && record.durationMs !== undefined
      ? [record as CallRecord]
      : [];
  } catch {
    return []; // the last line may be half written
  }
}

/** Long ids and paths make a tree unreadable. */
function shorten(command: string): string {
  return command.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…').slice(0, 150);
}
