/** What interrupted work has left: in containerd when the engine died or lost it, in our own files when we died. */
import type { ContainerdClient } from '#proto/containerd-client';
import { isStackError } from '#spec/errors';
import { removeStdio } from '../containerd/fifo.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { leaveNetworks } from './network-events.ts';
import { ownFilter } from './owner.ts';
import { stdioFolders } from './paths.ts';

/** Ends a task that is nobody's any more, and gives back what it had of ours. Nothing to end is fine. */
export async function discardTask(
  engine: Pick<Engine, 'client' | 'paths' | 'network' | 'events'>,
  { id }: Pick<Container, 'id'>,
): Promise<void> {
  const { client, paths } = engine;
  const containerId = id;
  if (!(await deleteTask(client, containerId))) {
    await quietly(client.tasks.kill({ containerId, signal: 9 }));
    await quietly(client.tasks.wait({ containerId }, { deadlineMs: 5000 }));
    await deleteTask(client, containerId);
  }
  await removeStdio(stdioFolders(paths, id));
  await leaveNetworks(engine, id);
}

/** Removes containers and leases in containerd that belong to creates which never became a container. */
export async function removeLeftovers({
  client,
  containers,
  creationLease,
  paths,
  logger,
}: Engine): Promise<void> {
  const filters = [ownFilter(paths)];
  const { containers: records } = await client.containers.list({ filters });
  for (const { id, snapshotter, snapshotKey } of records) {
    if (containers.has(id) || containers.isReserved(id)) continue;
    logger.info('removing what an interrupted create left', { container: id });
    await unlessGone(client.containers.delete({ id }));
    await unlessGone(client.snapshots.remove({ snapshotter, key: snapshotKey }));
  }
  const { leases } = await client.leases.list({ filters });
  for (const { id } of leases) {
    if (!creationLease.holds(id)) await unlessGone(client.leases.delete({ id }));
  }
}

/** False while the task runs. */
async function deleteTask({ tasks }: ContainerdClient, containerId: string): Promise<boolean> {
  try {
    await tasks.delete({ containerId });
  } catch (error) {
    if (isStackError(error, 'conflict')) return false;
    if (!isStackError(error, 'not_found')) throw error;
  }
  return true;
}

/** Some of it may be gone since an attempt that was interrupted. */
export async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!isStackError(error, 'not_found')) throw error;
  }
}

async function quietly(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!isStackError(error)) throw error; // it may end by itself at the same moment
  }
}
