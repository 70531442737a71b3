/** `POST /containers/prune`: removes containers that do not run. */
import { isStackError } from '#spec/errors';
import { untilFilter } from '../http/until-filter.ts';
import { matchesLabels, type Filters } from '../http/query.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { removeContainer } from './remove-container.ts';

/** Keys of `filters`. */
export const pruneFilterKeys = ['label', 'label!', 'until'] as const;

export interface PrunedContainers {
  ids: string[];
  reclaimedBytes: number;
}

/** Removes what the filters let through; who is started or removed meanwhile is left alone. Throws invalid_argument. */
export async function pruneContainers(engine: Engine, filters: Filters): Promise<PrunedContainers> {
  const chosen = engine.containers.list().filter(matching(filters));
  const pruned: PrunedContainers = { ids: [], reclaimedBytes: 0 };
  for (const container of chosen) {
    const { snapshotter, snapshotKey: key } = container.record;
    const usage = await engine.client.snapshots.usage({ snapshotter, key }).catch(() => undefined);
    try {
      await removeContainer(engine, container, { force: false });
    } catch (error) {
      if (isStackError(error, 'conflict') || isStackError(error, 'not_found')) continue;
      throw error;
    }
    pruned.ids.push(container.id);
    pruned.reclaimedBytes += usage?.size ?? 0;
  }
  const reclaimed = String(pruned.reclaimedBytes);
  engine.events.publish('container', 'prune', '', { reclaimed });
  return pruned;
}

function matching(filters: Filters): (container: Container) => boolean {
  const latestMs = untilFilter(filters) ?? Infinity;
  const unwanted = filters.get('label!') ?? [];
  return ({ state, record: { config, createdAt } }) =>
    ['created', 'exited', 'dead'].includes(state.status) &&
    Date.parse(createdAt) <= latestMs &&
    matchesLabels(config.Labels, filters.get('label')) &&
    !unwanted.some((label) => matchesLabels(config.Labels, [label]));
}
