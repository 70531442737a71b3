/** The shim itself: serves the task service of its containers until containerd tells it to go. */
import fs from 'node:fs';
import { IdleMemory } from '#lib/memory/idle-memory';
import { setCloseOnExec } from '#lib/sys/descriptor';
import { setChildSubreaper } from '#lib/sys/prctl';
import { TaskService as TaskServiceV2 } from '#proto/generated/containerd.task.v2';
import { TaskService as TaskServiceV3 } from '#proto/generated/containerd.task.v3';
import type { Handlers } from '#proto/service';
import { TtrpcServer, type TtrpcServerReports } from '#proto/ttrpc-server';
import type { CommandLine } from './command-line.ts';
import { Containers } from './containers.ts';
import { EventPublisher } from './event-publisher.ts';
import { takeHandover } from './handover.ts';
import { openLog } from './log.ts';
import { ProcessHooks } from './process-hooks.ts';
import { Reaper } from './reaper.ts';
import { RuntimeServer } from './runtime-server.ts';
import type { ServedRuntime } from './served-runtime.ts';
import { listeningDescriptor, socketPath } from './socket-address.ts';
import {
  adoptConnections,
  adoptContainers,
  replaceOnSignal,
  type ShimParts,
} from './succession.ts';
import { taskHandlers } from './task-service.ts';

/** Events that could not be delivered keep the shim this long after it was told to go. */
const flushTimeoutMs = 20_000;

/**
 * A shim works for moments and waits for months. So long after the last call a container is most likely not about to end, or
 * to get an exec; callers that ask every few seconds for statistics shall not make it collect garbage each time.
 */
const rest = { idleMs: 3000, leastPauseMs: 600_000 };

/** How often a shim without a container looks whether its bundle is still there. */
const abandonedMs = 5000;

/** A server of either protocol. */
export interface TaskServer {
  serve(
    service: typeof TaskServiceV2 | typeof TaskServiceV3,
    handlers: Handlers<typeof TaskServiceV2>,
  ): void;
  listen(where: { fd: number } | { path: string }): Promise<void>;
  /** Ends every connection; answers that are on their way arrive. */
  close(): void | Promise<void>;
}

export interface ServeOptions {
  /** Listens already, or a path to listen at. */
  socket?: { fd: number } | { path: string };
  /** Our runtime, where it was started before. */
  runtimeServer?: ServedRuntime;
  /**
   * Called in place of the end of the process, when nothing is left here of what was served; with the reason why not all
   * went well.
   */
  onEnd?: (complaint: string | undefined) => void;
  createServer: (reports: TtrpcServerReports) => TaskServer;
}

/** Serves the containers of the group that `line` names the first of. Resolves when it listens. */
export async function serveShim(line: CommandLine, options: ServeOptions): Promise<void> {
  const { namespace, id, address, publishBinary, debug } = line;
  const { socket = { fd: listeningDescriptor } } = options;
  const predecessor = takeHandover();
  const runtimeServer: ServedRuntime | undefined =
    options.runtimeServer ?? (predecessor ? undefined : new RuntimeServer()); // loads while the shim does the rest
  fs.writeFileSync('/proc/self/comm', 'containerd-shim'); // process.title would hide the arguments, the id among them
  const log = openLog('log', debug, { id, namespace });
  const hooks = new ProcessHooks();
  const reportBug = (error: unknown) => log.error('bug in the shim', error); // its container must go on
  hooks.on('uncaughtException', reportBug);
  hooks.on('unhandledRejection', reportBug);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) hooks.on(signal, () => undefined);

  setChildSubreaper();
  if ('fd' in socket && !predecessor) setCloseOnExec(socket.fd);
  const containers = new Containers();
  const reaper = new Reaper((pid, status) => containers.childExited(pid, status));
  runtimeServer?.superviseBy(reaper);
  const ttrpcAddress = process.env['TTRPC_ADDRESS'] ?? '';
  const destination = { ttrpcAddress, address, publishBinary, namespace };
  const events = new EventPublisher(destination, reaper, log);
  const memory = new IdleMemory(rest);
  const server = options.createServer({
    reportBug: (error, path) => log.error(`bug in ${path}`, error),
    reportCall: (call, durationMs) => {
      log.debug('call', { call, durationMs });
      memory.touch();
    },
  });
  const file = line.socket || socketPath(address, namespace, id);
  let isEnding = false;
  const shutdown = async () => {
    if (isEnding) return;
    isEnding = true;
    fs.rmSync(file, { force: true });
    await server.close(); // containerd waits for this, not for the events
    await events.flush(flushTimeoutMs);
    if (!options.onEnd) process.exit(0);
    const complaint = containers.hasFailed ? 'a container could not be made' : log.complaint;
    reaper.stop();
    events.close();
    memory.stop();
    hooks.remove();
    log.close();
    options.onEnd(complaint);
  };
  const parts: ShimParts = {
    namespace,
    containers,
    reaper,
    ...(runtimeServer && { runtimeServer }),
    events,
    log,
    shutdown: () => setImmediate(() => void shutdown()), // after the answer is on its way
    line,
    ttrpc: server instanceof TtrpcServer ? server : undefined,
  };
  const handlers = taskHandlers(parts);
  server.serve(TaskServiceV2, handlers);
  server.serve(TaskServiceV3, handlers);
  if (predecessor) await adoptContainers(predecessor, parts);
  await server.listen(predecessor ? { fd: predecessor.listening } : socket);
  if (predecessor) adoptConnections(predecessor, parts);
  reaper.start(); // who has ended before is announced now
  hooks.on('SIGUSR2', replaceOnSignal(parts));
  hooks.onRemoval(endWhenAbandoned(parts));
  log.debug('shim is ready', { pid: process.pid, replaced: predecessor !== undefined });
}

/** A containerd that was killed while it started us, and has removed the bundle since, knows nothing of us. */
function endWhenAbandoned({ containers, shutdown }: ShimParts): () => void {
  const timer = setInterval(() => {
    containers.forgetAbandoned();
    if (!containers.isEmpty || fs.existsSync('config.json')) return;
    clearInterval(timer);
    shutdown();
  }, abandonedMs).unref();
  return () => clearInterval(timer);
}
