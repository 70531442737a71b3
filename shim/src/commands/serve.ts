/** The shim itself: serves the task service of one container until containerd tells it to go. */
import fs from 'node:fs';
import { setChildSubreaper } from '#lib/sys/prctl';
import { TaskService as TaskServiceV2 } from '#proto/generated/containerd.task.v2';
import { TaskService as TaskServiceV3 } from '#proto/generated/containerd.task.v3';
import { TtrpcServer } from '#proto/ttrpc-server';
import type { CommandLine } from '../command-line.ts';
import { EventPublisher } from '../event-publisher.ts';
import { openLog } from '../log.ts';
import { Reaper } from '../reaper.ts';
import { RuntimeServer } from '../runtime-server.ts';
import { ContainerSlot, taskHandlers } from '../task-service.ts';
import { listeningDescriptor, socketPath } from '../socket-address.ts';

/** Events that could not be delivered keep the shim this long after it was told to go. */
const flushTimeoutMs = 20_000;

/** How often a shim without a container looks whether its bundle is still there. */
const abandonedMs = 5000;

export interface ServeOptions {
  /** Listens already, or a path to listen at. */
  socket?: { fd: number } | { path: string };
  /** Our runtime, where it was started before. */
  runtimeServer?: RuntimeServer;
}

/** Serves the container named in `line`. Resolves when it listens. */
export async function serve(
  line: CommandLine,
  {
    socket = { fd: listeningDescriptor },
    runtimeServer = new RuntimeServer(), // first of all: it loads while the shim does the rest
  }: ServeOptions = {},
): Promise<void> {
  const { namespace, id, address, publishBinary, debug } = line;
  fs.writeFileSync('/proc/self/comm', 'containerd-shim'); // process.title would hide the arguments, the id among them
  const log = openLog('log', debug, { id, namespace });
  process.on('uncaughtException', (error) => log.error('bug in the shim', error)); // its container must go on
  process.on('unhandledRejection', (error) => log.error('bug in the shim', error));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => undefined);

  setChildSubreaper();
  const slot = new ContainerSlot();
  const reaper = new Reaper((pid, status) => slot.container?.childExited(pid, status));
  runtimeServer.superviseBy(reaper);
  const ttrpcAddress = process.env['TTRPC_ADDRESS'] ?? '';
  const events = new EventPublisher(
    { ttrpcAddress, address, publishBinary, namespace },
    reaper,
    log,
  );
  const server = new TtrpcServer({
    reportBug: (error, path) => log.error(`bug in ${path}`, error),
    reportCall: (call, durationMs) => log.debug('call', { call, durationMs }),
  });
  const shutdown = async () => {
    fs.rmSync(socketPath(address, namespace, id), { force: true });
    server.close(); // containerd waits for this, not for the events
    await events.flush(flushTimeoutMs);
    process.exit(0);
  };
  const handlers = taskHandlers(slot, {
    namespace,
    reaper,
    runtimeServer,
    events,
    log,
    shutdown: () => setImmediate(() => void shutdown()), // after the answer is on its way
  });
  server.serve(TaskServiceV2, handlers);
  server.serve(TaskServiceV3, handlers);
  await server.listen(socket);
  // A containerd that was killed while it started us, and has removed the bundle since, knows nothing of us.
  const look = setInterval(() => {
    if (slot.container || slot.reserved || fs.existsSync('config.json')) return;
    clearInterval(look);
    void shutdown();
  }, abandonedMs).unref();
  log.debug('shim is ready', { pid: process.pid });
}
