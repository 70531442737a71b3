/**
 * What containerd reports of tasks. Nothing is replayed after a lost subscription, so each new one begins with a look
 * at all tasks; whoever handles an exit drops doubles by process id.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isAny, packAny, unpackAny } from '#proto/any';
import { TaskExit, TaskOOM } from '#proto/generated/containerd.events';
import type { Envelope } from '#proto/generated/containerd.types';
import { Empty } from '#proto/generated/google.protobuf';
import { messageOf } from '#spec/errors';
import { checkExec, handleExecExit } from './exec.ts';
import { handleExit } from './exit-container.ts';
import type { Engine } from './engine.ts';
import { publishContainerEvent } from './container-events.ts';
import { reconcileTasks } from './recovery.ts';
import { timeOf } from './timestamps.ts';

/** Our own event, by which a subscription shows that it has begun. */
const markerTopic = '/engine/subscribed';
const retryMs = 100;

/** Subscribes until `signal` aborts; resolves once the first subscription stands and all tasks were looked at. */
export function watchTasks(engine: Engine, namespace: string, signal: AbortSignal): Promise<void> {
  return new Promise<void>((resolve) => {
    void (async () => {
      let lastReason = '';
      const stopped = (): boolean => signal.aborted;
      while (!stopped()) {
        try {
          await subscribe(engine, namespace, signal, resolve);
        } catch (error) {
          if (stopped()) return;
          // Once per outage, not at every attempt.
          const reason = messageOf(error);
          if (reason !== lastReason) {
            engine.logger.warn('lost containerd, subscribing again', { error });
          }
          lastReason = reason;
        }
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    })();
  });
}

async function subscribe(
  engine: Engine,
  namespace: string,
  signal: AbortSignal,
  ready: () => void,
): Promise<void> {
  const { client, logger } = engine;
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  let marked = false;
  const events = client.events.subscribe(
    {
      filters: [
        `namespace==${namespace},topic~=|^/tasks/|`,
        `namespace==${namespace},topic=="${markerTopic}"`,
      ],
    },
    { signal: either },
  );
  const marking = publishMarkers(engine, () => marked, either);
  try {
    for await (const envelope of events) {
      if (envelope.topic === markerTopic) {
        if (marked) continue;
        marked = true;
        // Exits that come while this runs are handled below, after it began: both sides drop doubles.
        const looked = reconcileTasks(engine).then(() =>
          Promise.all(engine.execs.running().map((exec) => checkExec(engine, exec))),
        );
        void looked.then(ready, (error: unknown) => {
          logger.error('cannot look at tasks', { error });
          ended.abort();
        });
      } else {
        dispatch(engine, envelope);
      }
    }
  } finally {
    ended.abort();
    await marking;
  }
}

/** An event published before the subscription stands is lost, so it is repeated until one arrives. */
async function publishMarkers(
  { client }: Engine,
  arrived: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  while (!arrived() && !signal.aborted) {
    await client.events
      .publish({ topic: markerTopic, event: packAny(Empty, {}) }, { signal, deadlineMs: 5000 })
      .catch(() => undefined); // the subscription fails as well, and says why
    await delay(20, undefined, { signal }).catch(() => undefined);
  }
}

function dispatch(engine: Engine, { event }: Envelope): void {
  if (!event) return;
  const failed = (error: unknown): void =>
    engine.logger.error('cannot handle an event', { event: event.typeUrl, error });
  if (isAny(TaskExit, event)) {
    const { containerId, id, pid, exitStatus, exitedAt } = unpackAny(TaskExit, event);
    const container = engine.containers.find(containerId);
    if (!container) return;
    if (id === containerId) {
      const exit = { pid, exitCode: exitStatus, exitedAt: timeOf(exitedAt) };
      handleExit(engine, container, exit).catch(failed);
    } else {
      const exec = engine.execs.find(id);
      if (exec) handleExecExit(engine, container, exec, exitStatus).catch(failed);
    }
  } else if (isAny(TaskOOM, event)) {
    const container = engine.containers.find(unpackAny(TaskOOM, event).containerId);
    if (!container) return;
    container.record.state.oomKilled = true;
    // A start that is still under way is told of first, and what the kill leads to afterwards.
    container.mutex.run(async () => publishContainerEvent(engine, container, 'oom')).catch(failed);
  }
}
