/** containerd.services.containers.v1.Containers */
import { StackError } from '#spec/errors';
import {
  ContainerCreate,
  ContainerDelete,
  ContainerUpdate,
} from '#proto/generated/containerd.events';
import type {
  Container,
  ContainersService,
} from '#proto/generated/containerd.services.containers.v1';
import { requireNamespace } from '#proto/server';
import type { Handlers } from '#proto/service';
import type { Containers } from '../containers/containers.ts';
import type { Exchange } from '../events/exchange.ts';
import { fieldsOf, parseFilters } from '../filters/filter.ts';
import type { GarbageCollector } from '../gc/garbage-collector.ts';
import type { Tasks } from '../tasks/tasks.ts';

export interface ContainersServiceParts {
  containers: Containers;
  tasks: Tasks;
  exchange: Exchange;
  gc: GarbageCollector;
}

export function containersService({
  containers,
  tasks,
  exchange,
  gc,
}: ContainersServiceParts): Handlers<typeof ContainersService> {
  const find = (namespace: string, filters: readonly string[]) => {
    const matches = parseFilters(filters);
    return containers.list(namespace).filter((container) => matches(containerFields(container)));
  };
  return {
    async get({ id }, context) {
      return { container: containers.get(requireNamespace(context), id) };
    },

    async list({ filters }, context) {
      return { containers: find(requireNamespace(context), filters) };
    },

    async *listStream({ filters }, context) {
      for (const container of find(requireNamespace(context), filters)) yield { container };
    },

    async create({ container }, context) {
      const namespace = requireNamespace(context);
      const created = containers.create(namespace, required(container));
      const { id, image, runtime } = created;
      exchange.publish(namespace, '/containers/create', ContainerCreate, { id, image, runtime });
      return { container: created };
    },

    async update({ container, updateMask }, context) {
      const namespace = requireNamespace(context);
      const paths = updateMask?.paths ?? [];
      const updated = containers.update(namespace, required(container), paths);
      const { id, image, labels, snapshotKey } = updated;
      const event = { id, image, labels, snapshotKey };
      exchange.publish(namespace, '/containers/update', ContainerUpdate, event);
      return { container: updated };
    },

    async delete({ id }, context) {
      const namespace = requireNamespace(context);
      containers.delete(namespace, id);
      tasks.forget(namespace, id);
      exchange.publish(namespace, '/containers/delete', ContainerDelete, { id });
      gc.schedule();
      return {};
    },
  };
}

function required(container: Container | undefined): Container {
  if (!container) throw new StackError('invalid_argument', 'the request has no container');
  return container;
}

function containerFields({ id, image, runtime, labels }: Container) {
  return fieldsOf({ id, image, 'runtime.name': runtime?.name ?? '' }, labels);
}
