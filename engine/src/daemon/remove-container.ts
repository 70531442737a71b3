/** Removing a container: task, containerd's record, snapshot, files, name. */
import { Slots } from '#lib/concurrency/slots';
import { isStackError, messageOf, StackError } from '#spec/errors';
import type { Container } from './container.ts';
import { removeAnonymousVolumes } from './container-volumes.ts';
import { publishContainerEvent } from './container-events.ts';
import type { Engine } from './engine.ts';
import { discardTask, unlessGone } from './leftovers.ts';
import { cancelRestart } from './start-container.ts';
import { killContainer } from './stop-container.ts';

/**
 * Removals under way at once, over all. docker's CLI asks for fifty in one moment; their steps would come in step, and who asks
 * for something else would wait for fifty of the same kind.
 */
const removals = new Slots(12);

/** Removes a container, with `volumes` also its anonymous volumes. Without `force` a running one is a conflict; with it, one that is just being started ends too. */
export async function removeContainer(
  engine: Engine,
  container: Container,
  { force, volumes = false }: { force: boolean; volumes?: boolean },
): Promise<void> {
  const { name } = container.record;
  if (container.state.status === 'removing') {
    throw new StackError('conflict', `removal of container ${name} is already in progress`);
  }
  const isRemovable = (): boolean =>
    !container.isRunning && container.state.status !== 'restarting';
  let removed = false;
  while (!removed) {
    if (!isRemovable()) {
      if (!force) {
        const state = container.state.status;
        throw new StackError(
          'conflict',
          `cannot remove container "${name}": container is ${state}: stop the container before removing or force remove`,
        );
      }
      await killForRemoval(engine, container);
    }
    removed = await container.mutex.run(async () => {
      // AutoRemove, or another client, may have been quicker.
      if (!engine.containers.has(container.id)) return true;
      if (!isRemovable()) return false; // whoever held the mutex has started it
      await removals.run(() => removeLocked(engine, container));
      if (volumes) await removeAnonymousVolumes(engine, container.record);
      return true;
    });
  }
}

async function killForRemoval(engine: Engine, container: Container): Promise<void> {
  try {
    await killContainer(engine, container, 'KILL');
  } catch (error) {
    if (isStackError(error, 'conflict')) return; // it ended by itself
    throw new StackError(
      isStackError(error, 'unavailable') ? 'unavailable' : 'internal',
      `cannot remove container "${container.record.name}": could not kill container: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * Removes a container that does not run and whose mutex the caller holds; `hasTask`: unless its task is known to be gone,
 * and what that held. May be repeated after a failure.
 */
export async function removeLocked(
  engine: Engine,
  container: Container,
  { hasTask = true }: { hasTask?: boolean } = {},
): Promise<void> {
  const { client, containers, execs } = engine;
  const { record, id } = container;
  cancelRestart(container);
  record.state.status = 'removing';
  // One that removes itself once it has exited is removed by the next engine as well, whatever its record says.
  if (!record.hostConfig.AutoRemove || hasTask) await containers.save(container);
  try {
    if (hasTask) await discardTask(engine, container); // of a start or an exit during which containerd was away
    const { snapshotter, snapshotKey: key } = record;
    await Promise.all([
      unlessGone(client.containers.delete({ id })),
      unlessGone(client.snapshots.remove({ snapshotter, key })),
    ]);
    await containers.remove(container);
  } catch (error) {
    record.state.status = 'dead';
    record.state.error = messageOf(error);
    await containers.save(container);
    throw new StackError(
      isStackError(error, 'unavailable') ? 'unavailable' : 'internal',
      `cannot remove container "${record.name}": ${messageOf(error)}`,
      { cause: error },
    );
  }
  for (const execId of container.execIds) execs.forget(execId);
  for (const subscriber of container.subscribers) subscriber.end();
  if (record.hostConfig.AutoRemove) await removeAnonymousVolumes(engine, record);
  publishContainerEvent(engine, container, 'destroy');
  container.announceRemoval();
}
