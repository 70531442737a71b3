/** Replacing a running shim by the installed one, without its containers, clients and their output noticing. */
import { StackError, messageOf } from '#spec/errors';
import { Envelope } from '#proto/generated/containerd.types';
import type { TtrpcServer } from '#proto/ttrpc-server';
import { serveFlags, type CommandLine } from './command-line.ts';
import { Container } from './container.ts';
import {
  becomeSuccessor,
  requireReader,
  type ContainerHandover,
  type ShimHandover,
} from './handover.ts';
import { handoverVersion } from './handover-version.ts';
import { containerParts, type TaskServiceParts } from './task-service.ts';
import { adoptStdio, type ProcessStdio } from './stdio/process-stdio.ts';

export interface ShimParts extends TaskServiceParts {
  line: CommandLine;
  /** Undefined in a shim that speaks gRPC: nobody can hand over the state of an HTTP/2 connection. */
  ttrpc: TtrpcServer | undefined;
}

/** Whether a successor may carry a call out again: it only waits. */
const isRepeatable = (path: string) => path.endsWith('.Task/Wait');

/** What replaces the shim on SIGUSR2; one that arrives meanwhile is part of it. */
export function replaceOnSignal(parts: ShimParts): () => void {
  let isUnderWay = false;
  return () => {
    if (isUnderWay) return;
    isUnderWay = true;
    replace(parts).catch((error: unknown) => {
      isUnderWay = false;
      parts.log.warn('the shim is not replaced', { reason: messageOf(error) });
    });
  };
}

/** Throws conflict where the installed shim cannot take over; this one goes on then. */
async function replace({
  ttrpc,
  containers,
  events,
  runtimeServer,
  reaper,
  log,
  line,
}: ShimParts): Promise<void> {
  if (!ttrpc) throw new StackError('unimplemented', 'replacing a shim that speaks gRPC');
  await requireReader(reaper);
  await ttrpc.suspend(isRepeatable);
  await Promise.all(containers.list().map((container) => container.settled()));
  await runtimeServer?.end();
  const undelivered = await events.suspend();
  // From here on nothing waits: all is as it is written down.
  const { listening, connections } = ttrpc.handOver();
  const handover: ShimHandover = {
    version: handoverVersion,
    listening,
    connections: connections.map(({ fd, received }) => ({
      fd,
      received: received.toString('base64'),
    })),
    events: undelivered.map((envelope) => Envelope.encode(envelope).toString('base64')),
    containers: containers.list().map(handOver),
  };
  becomeSuccessor(handover, serveFlags(line), log);
}

/** Goes on with the predecessor's containers and what it has not delivered. To be called before anybody may ask for them. */
export async function adoptContainers(
  { containers: theirs, events: undelivered }: ShimHandover,
  parts: ShimParts,
): Promise<void> {
  const { containers, events, reaper } = parts;
  events.adopt(undelivered.map((text) => Envelope.decode(Buffer.from(text, 'base64'))));
  for (const { state, stdio } of theirs) {
    const logger = { containerId: state.id, namespace: state.namespace, reaper };
    const adopted = new Map<string, ProcessStdio>();
    for (const [execId, open] of Object.entries(stdio)) {
      adopted.set(execId, await adoptStdio(open, logger));
    }
    containers.add(new Container(state, { ...containerParts(state, parts), stdio: adopted }));
  }
}

/** Goes on with the predecessor's connections; calls that it has not answered are carried out. */
export function adoptConnections({ connections }: ShimHandover, { ttrpc }: ShimParts): void {
  for (const { fd, received } of connections) {
    ttrpc?.adopt({ fd, received: Buffer.from(received, 'base64') });
  }
}

function handOver({ state, processes }: Container): ContainerHandover {
  const stdio = processes.flatMap((process) =>
    process.stdio ? [[process.state.execId, process.stdio.handOver()] as const] : [],
  );
  return { state, stdio: Object.fromEntries(stdio) };
}
