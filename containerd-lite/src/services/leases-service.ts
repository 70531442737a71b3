/** containerd.services.leases.v1.Leases */
import { StackError } from '#spec/errors';
import type { LeasesService, Resource } from '#proto/generated/containerd.services.leases.v1';
import { requireNamespace } from '#proto/server';
import type { Handlers } from '#proto/service';
import { fieldsOf, parseFilters } from '../filters/filter.ts';
import type { GarbageCollector } from '../gc/garbage-collector.ts';
import type { Leases } from '../leases/leases.ts';

export function leasesService(
  leases: Leases,
  gc: GarbageCollector,
): Handlers<typeof LeasesService> {
  return {
    async create({ id, labels }, context) {
      return { lease: leases.create(requireNamespace(context), id, labels) };
    },

    async delete({ id, sync }, context) {
      leases.delete(requireNamespace(context), id);
      if (sync) await gc.collect();
      else gc.schedule();
      return {};
    },

    async list({ filters }, context) {
      const matches = parseFilters(filters);
      const all = leases.list(requireNamespace(context));
      return { leases: all.filter(({ id, labels }) => matches(fieldsOf({ id }, labels))) };
    },

    async addResource({ id, resource }, context) {
      leases.addResource(requireNamespace(context), id, required(resource));
      return {};
    },

    async deleteResource({ id, resource }, context) {
      leases.deleteResource(requireNamespace(context), id, required(resource));
      gc.schedule();
      return {};
    },

    async listResources({ id }, context) {
      return { resources: leases.resources(requireNamespace(context), id) };
    },
  };
}

function required(resource: Resource | undefined): Resource {
  if (!resource) throw new StackError('invalid_argument', 'the request has no resource');
  return resource;
}
