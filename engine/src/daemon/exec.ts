/** Further processes in a running container. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { jsonTypes, packJson } from '#proto/any';
import { isStackError, messageOf, StackError } from '#spec/errors';
import { createStdio, openFifoWriter, removeStdio } from '../containerd/fifo.ts';
import { execProcess } from '../container-spec/exec-process.ts';
import { ProcessRootFiles } from '../container-spec/root-files.ts';
import type { Container } from './container.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import type { Exec, ExecConfig } from './exec-store.ts';
import { linkVariables } from './links.ts';
import { UnloggedOutput } from './unlogged-output.ts';
import { stdioFolder } from './paths.ts';
import { startFailure } from './start-failure.ts';
import { notRunning } from './stop-container.ts';

const drainMs = 3000;

/** Registers an exec. Throws conflict unless the container runs, invalid_argument without a command. */
export function createExec(engine: Engine, container: Container, config: ExecConfig): Exec {
  requireRunning(container);
  if (config.command.length === 0) {
    throw new StackError('invalid_argument', 'No exec command specified');
  }
  const exec = engine.execs.add(randomBytes(32).toString('hex'), container.id, config);
  container.execIds.add(exec.id);
  publishExecEvent(engine, container, 'exec_create', exec);
  return exec;
}

/** The action names the command: a space stands behind the program even where no arguments follow. */
function publishExecEvent(
  engine: Engine,
  container: Container,
  action: 'exec_create' | 'exec_start',
  { id, config }: Exec,
): void {
  const [program = '', ...args] = config.command;
  const named = `${action}: ${program} ${args.join(' ')}`;
  publishContainerEvent(engine, container, named, { execID: id });
}

/** Throws conflict, in docker's words, unless processes can be added to `container`. */
export function requireRunning(container: Container): void {
  const { status } = container.state;
  if (status === 'paused') {
    throw new StackError(
      'conflict',
      `container ${container.id} is paused, unpause the container before exec`,
    );
  }
  if (status !== 'running') throw notRunning(container);
}

/** Starts an exec once; a second start is a conflict. `subscribe` is called before it runs, and returns how to leave. */
export async function startExec(
  engine: Engine,
  exec: Exec,
  subscribe: (output: UnloggedOutput) => () => void,
): Promise<void> {
  const { client, paths, containers } = engine;
  const container = containers.get(exec.containerId);
  requireRunning(container);
  if (exec.state !== 'created') {
    throw new StackError('conflict', `exec ${exec.id} has already been started`);
  }
  exec.state = 'running';
  publishExecEvent(engine, container, 'exec_start', exec);
  const ids = { containerId: container.id, execId: exec.id };
  const folder = stdioFolder(paths, container.id, exec.id);
  let output: UnloggedOutput | undefined;
  let leave: (() => void) | undefined;
  let added = false;
  try {
    const stdio = await createStdio(folder, {
      stdin: exec.config.attachStdin,
      terminal: exec.config.tty,
    });
    output = new UnloggedOutput(stdio);
    exec.output = output;
    leave = subscribe(output);
    if (stdio.stdin !== '') exec.stdin = openStdinWriter(stdio.stdin);
    const spec = execProcess(
      container.record,
      exec.config,
      new ProcessRootFiles(container.state.pid),
      linkVariables(engine, container.record),
    );
    await client.tasks.exec({
      ...ids,
      ...stdio,
      terminal: exec.config.tty,
      spec: packJson(jsonTypes.process, spec),
    });
    added = true;
    const { pid } = await client.tasks.start(ids);
    // Its exit may have been reported already.
    if (exec.exitCode === null) exec.pid = pid;
    exec.hasStarted();
    void checkExec(engine, exec).catch((error: unknown) => {
      engine.logger.error('cannot look at an exec', { exec: exec.id, error });
    });
  } catch (error) {
    const failure = startFailure(error, { Entrypoint: null, Cmd: exec.config.command });
    engine.execs.end(exec, failure.exitCode);
    if (added) await quietly(client.tasks.deleteProcess(ids));
    leave?.(); // the caller has something to say to the client first
    await output?.close();
    exec.stdin?.destroy();
    await removeStdio(folder);
    throw execError(failure.error);
  }
}

/** The task's own prefix means nothing to somebody who asked for an exec. */
function execError(error: StackError): StackError {
  const message = messageOf(error).replace(
    /^failed to create task for container: (failed to create shim task: )?/,
    '',
  );
  return new StackError(error.kind, message, { cause: error });
}

function openStdinWriter(file: string): Exec['stdin'] {
  const stdin = openFifoWriter(file);
  stdin.on('error', () => stdin.destroy()); // nobody reads any more
  return stdin;
}

/** What the end of an exec leads to. */
export async function handleExecExit(
  engine: Engine,
  container: Container,
  exec: Exec,
  exitCode: number,
): Promise<void> {
  if (exec.exitCode !== null || exec.isEnding) return;
  exec.isEnding = true;
  const { client, execs, paths } = engine;
  if (exec.output) {
    const limit = new AbortController();
    const late = delay(drainMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([exec.output.finished, late]);
    limit.abort();
  }
  execs.end(exec, exitCode);
  publishContainerEvent(engine, container, 'exec_die', {
    execID: exec.id,
    exitCode: String(exitCode),
  });
  await exec.output?.close();
  exec.stdin?.destroy();
  await quietly(client.tasks.deleteProcess({ containerId: container.id, execId: exec.id }));
  await removeStdio(stdioFolder(paths, container.id, exec.id));
}

/** Asks for the end of an exec, whose report is lost if nobody was subscribed at that moment. */
export async function checkExec(engine: Engine, exec: Exec): Promise<void> {
  const container = engine.containers.find(exec.containerId);
  if (!container) return;
  try {
    const { process } = await engine.client.tasks.get({
      containerId: exec.containerId,
      execId: exec.id,
    });
    if (process?.status !== 'STOPPED') return;
    await handleExecExit(engine, container, exec, process.exitStatus);
  } catch (error) {
    // Gone with its task, or containerd is away: then the next subscription asks again.
    if (!isStackError(error)) throw error;
  }
}

/** The container's end takes its execs along, so they may be gone first. */
async function quietly(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!isStackError(error)) throw error;
  }
}
