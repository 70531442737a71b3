/** The daemon behind the exec routes. */
import { StackError } from '#spec/errors';
import type { HijackedConnection } from '../http/hijack.ts';
import type { ExecBackend, ExecStart } from '../routes/exec/backend.ts';
import { copyStdin, flushed } from './attach.ts';
import { publishContainerEvent } from './container-events.ts';
import { parseDetachKeys } from './detach-keys.ts';
import type { Engine } from './engine.ts';
import { createExec, requireRunning, startExec } from './exec.ts';
import type { Exec } from './exec-store.ts';
import type { OutputSubscriber } from './output.ts';
import { ClientStream, frame } from './stream-frames.ts';

export function execBackend(engine: Engine): ExecBackend {
  const { execs, containers, client } = engine;
  return {
    create: (containerName, config) => createExec(engine, containers.get(containerName), config),
    start: async (id, options, takeOver) => {
      const exec = execs.get(id);
      requireRunning(containers.get(exec.containerId));
      if (exec.state !== 'created') {
        throw new StackError('conflict', `exec ${id} has already been started`);
      }
      if (options.consoleSize) exec.config.consoleSize = options.consoleSize;
      if (options.detach) await startExec(engine, exec, ignoreOutput);
      else await startAttached(engine, exec, options, takeOver);
    },
    resize: async (id, { height, width }) => {
      const exec = execs.get(id);
      // docker 20.10 sends the size while the process is being started, and gives up after 150 ms of refusals.
      if (exec.state === 'running') await exec.started;
      if (exec.state !== 'running') {
        throw new StackError('conflict', `exec process ${id} is not running`);
      }
      await client.tasks.resizePty({ containerId: exec.containerId, execId: id, height, width });
    },
    inspect: (id) => inspectExec(execs.get(id)),
  };
}

/** Nobody listens, but somebody must read, or the process would stop at a full FIFO: the output reads by itself. */
function ignoreOutput(): () => void {
  return () => undefined;
}

async function startAttached(
  engine: Engine,
  exec: Exec,
  { tty }: ExecStart,
  takeOver: (tty: boolean) => HijackedConnection,
): Promise<void> {
  const { config } = exec;
  const detachKeys = parseDetachKeys(config.detachKeys);
  const { input, output } = takeOver(tty || config.tty);
  const client = new ClientStream(output, {
    tty: config.tty,
    stdout: config.attachStdout,
    stderr: config.attachStderr,
  });
  // Until it is known whether it started, its output waits: a failure has words of its own.
  let settle: (started: boolean) => void = () => undefined;
  const start = new Promise<boolean>((resolve) => (settle = resolve));
  let hasStarted = false;
  const subscriber: OutputSubscriber = {
    write: (stream, chunk) =>
      start.then((started) => (started ? client.write(stream, chunk) : undefined)),
    connection: (stream) => (hasStarted ? client.connection(stream) : undefined),
    end: () => {
      void start.then((started) => {
        // Clients ask for the exit code as soon as the stream is over, so it must be there.
        if (started) afterExit(exec, () => client.end());
      });
    },
  };
  let leave: (() => void) | undefined;
  output.once('close', () => leave?.());
  try {
    await startExec(engine, exec, (source) => (leave = source.subscribe(subscriber)));
    settle(true);
    hasStarted = true;
  } catch (error) {
    settle(false);
    // The status is sent already: the reason travels as output, and the exit code by inspect.
    const reason = Buffer.from(`${error instanceof Error ? error.message : String(error)}\r\n`);
    output.end(config.tty ? reason : frame('stdout', reason));
    return;
  }
  if (!config.attachStdin) {
    input.resume();
    return;
  }
  const end = await copyStdin({
    input,
    stdin: Promise.resolve(exec.stdin),
    detachKeys: config.tty ? detachKeys : undefined,
  });
  if (end === 'detached') {
    leave?.();
    client.end();
    publishContainerEvent(engine, engine.containers.get(exec.containerId), 'exec_detach', {
      execID: exec.id,
    });
  } else if (!config.tty) {
    await closeStdin(engine, exec);
  }
}

function afterExit(exec: Exec, action: () => void): void {
  if (exec.state === 'exited') action();
  else exec.onExit.add(action);
}

async function closeStdin({ client, logger }: Engine, exec: Exec): Promise<void> {
  if (!exec.stdin) return;
  await flushed(exec.stdin);
  exec.stdin.destroy();
  try {
    await client.tasks.closeIO({ containerId: exec.containerId, execId: exec.id, stdin: true });
  } catch (error) {
    logger.debug('cannot close stdin', { exec: exec.id, error }); // it may have ended first
  }
}

function inspectExec(exec: Exec): unknown {
  const { config } = exec;
  const [entrypoint = '', ...args] = config.command;
  return {
    ID: exec.id,
    Running: exec.state === 'running',
    ExitCode: exec.exitCode,
    ProcessConfig: {
      tty: config.tty,
      entrypoint,
      arguments: args,
      privileged: config.privileged,
      ...(config.user !== '' && { user: config.user }),
    },
    OpenStdin: config.attachStdin,
    OpenStderr: config.attachStderr,
    OpenStdout: config.attachStdout,
    CanRemove: exec.state === 'exited',
    ContainerID: exec.containerId,
    DetachKeys: config.detachKeys,
    Pid: exec.pid,
  };
}
