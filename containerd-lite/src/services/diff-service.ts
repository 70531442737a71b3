/** containerd.services.diff.v1.Diff */
import { StackError } from '#spec/errors';
import type { DiffService } from '#proto/generated/containerd.services.diff.v1';
import { requireNamespace } from '#proto/server';
import type { Handlers } from '#proto/service';
import type { LayerApplication } from '../diff/apply.ts';
import type { LayerComparison } from '../diff/compare.ts';

export function diffService(
  layers: LayerApplication,
  comparison: LayerComparison,
): Handlers<typeof DiffService> {
  return {
    async apply({ diff, mounts, payloads, syncFs }, context) {
      if (!diff) throw new StackError('invalid_argument', 'the request has no diff');
      if (Object.keys(payloads).length > 0) {
        throw new StackError('unimplemented', 'processors of layers: not implemented');
      }
      const namespace = requireNamespace(context);
      return { applied: await layers.apply({ namespace, layer: diff, mounts, sync: syncFs }) };
    },

    async diff({ left, right, mediaType, ref, labels, sourceDateEpoch: epoch }, context) {
      const namespace = requireNamespace(context);
      const { lease } = context;
      const request = { namespace, lease, left, right, mediaType, ref, labels };
      const latestTime = epoch && { seconds: epoch.seconds, nanoseconds: epoch.nanos };
      return { diff: await comparison.compare({ ...request, ...(latestTime && { latestTime }) }) };
    },
  };
}
