/** containerd.services.namespaces.v1.Namespaces */
import { StackError } from '#spec/errors';
import {
  NamespaceCreate,
  NamespaceDelete,
  NamespaceUpdate,
} from '#proto/generated/containerd.events';
import type { NamespacesService } from '#proto/generated/containerd.services.namespaces.v1';
import type { Handlers } from '#proto/service';
import type { Exchange } from '../events/exchange.ts';
import { fieldsOf, parseFilters } from '../filters/filter.ts';
import type { Namespace, Namespaces } from '../namespaces/namespaces.ts';

export function namespacesService(
  namespaces: Namespaces,
  exchange: Exchange,
): Handlers<typeof NamespacesService> {
  return {
    async get({ name }) {
      return { namespace: namespaces.get(name) };
    },

    async list({ filter }) {
      const matches = parseFilters(filter === '' ? [] : [filter]);
      const all = namespaces.list();
      return { namespaces: all.filter(({ name, labels }) => matches(fieldsOf({ name }, labels))) };
    },

    async create({ namespace }) {
      const created = namespaces.create(required(namespace));
      exchange.publish(created.name, '/namespaces/create', NamespaceCreate, created);
      return { namespace: created };
    },

    async update({ namespace, updateMask }) {
      const updated = namespaces.update(required(namespace), updateMask?.paths ?? []);
      exchange.publish(updated.name, '/namespaces/update', NamespaceUpdate, updated);
      return { namespace: updated };
    },

    async delete({ name }) {
      namespaces.delete(name);
      exchange.publish(name, '/namespaces/delete', NamespaceDelete, { name });
      return {};
    },
  };
}

function required(namespace: Namespace | undefined): Namespace {
  if (!namespace) throw new StackError('invalid_argument', 'the request has no namespace');
  return namespace;
}
