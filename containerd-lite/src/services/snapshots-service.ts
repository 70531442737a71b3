/** containerd.services.snapshots.v1.Snapshots */
import { StackError } from '#spec/errors';
import {
  SnapshotCommit,
  SnapshotPrepare,
  SnapshotRemove,
} from '#proto/generated/containerd.events';
import type {
  Info,
  PrepareSnapshotRequest,
  SnapshotsService,
} from '#proto/generated/containerd.services.snapshots.v1';
import { requireNamespace } from '#proto/server';
import type { CallContext, Handlers } from '#proto/service';
import type { Exchange } from '../events/exchange.ts';
import { fieldsOf, parseFilters } from '../filters/filter.ts';
import type { GarbageCollector } from '../gc/garbage-collector.ts';
import type { SnapshotStore } from '../snapshots/snapshot-store.ts';

/** Snapshots in one message of List. */
const listBatch = 100;

export function snapshotsService(
  stores: readonly SnapshotStore[],
  exchange: Exchange,
  gc: GarbageCollector,
): Handlers<typeof SnapshotsService> {
  const storeOf = (snapshotter: string): SnapshotStore => {
    const store = stores.find((candidate) => candidate.snapshotter.name === snapshotter);
    if (!store) {
      throw new StackError('invalid_argument', `snapshotter not loaded: ${snapshotter}`);
    }
    return store;
  };
  const create = async (
    kind: 'prepare' | 'view',
    { snapshotter, key, parent, labels }: PrepareSnapshotRequest,
    context: CallContext,
  ) => {
    const namespace = requireNamespace(context);
    const { lease } = context;
    const mounts = await storeOf(snapshotter)[kind](namespace, { key, parent, labels, lease });
    const event = { key, parent, snapshotter };
    exchange.publish(namespace, '/snapshot/prepare', SnapshotPrepare, event);
    return { mounts };
  };
  return {
    prepare: async (request, context) => create('prepare', request, context),

    view: async (request, context) => create('view', request, context),

    async mounts({ snapshotter, key }, context) {
      return { mounts: storeOf(snapshotter).mounts(requireNamespace(context), key) };
    },

    async commit({ snapshotter, name, key, labels, parent }, context) {
      const namespace = requireNamespace(context);
      if (parent !== '') {
        throw new StackError('unimplemented', 'a commit cannot change the parent: not implemented');
      }
      await storeOf(snapshotter).commit(namespace, key, { name, labels, lease: context.lease });
      const event = { key, name, snapshotter };
      exchange.publish(namespace, '/snapshot/commit', SnapshotCommit, event);
      return {};
    },

    async remove({ snapshotter, key }, context) {
      const namespace = requireNamespace(context);
      storeOf(snapshotter).remove(namespace, key);
      exchange.publish(namespace, '/snapshot/remove', SnapshotRemove, { key, snapshotter });
      gc.schedule();
      return {};
    },

    async stat({ snapshotter, key }, context) {
      return { info: storeOf(snapshotter).stat(requireNamespace(context), key) };
    },

    async update({ snapshotter, info, updateMask }, context) {
      if (!info) throw new StackError('invalid_argument', 'snapshot update needs an info');
      const namespace = requireNamespace(context);
      const paths = updateMask?.paths ?? [];
      return { info: storeOf(snapshotter).update(namespace, info.name, info.labels, paths) };
    },

    async *list({ snapshotter, filters }, context) {
      const matches = parseFilters(filters);
      const found = storeOf(snapshotter)
        .list(requireNamespace(context))
        .filter((info) => matches(snapshotFields(info)));
      for (let start = 0; start < found.length; start += listBatch) {
        yield { info: found.slice(start, start + listBatch) };
      }
    },

    usage: async ({ snapshotter, key }, context) =>
      storeOf(snapshotter).usage(requireNamespace(context), key),

    async cleanup({ snapshotter }) {
      await storeOf(snapshotter).cleanup();
      return {};
    },
  };
}

function snapshotFields({ name, parent, kind, labels }: Info) {
  return fieldsOf({ name, parent, kind: kind.toLowerCase() }, labels);
}
