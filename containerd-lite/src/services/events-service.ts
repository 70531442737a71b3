/** containerd.services.events.v1.Events, and Forward of the same over ttrpc, where shims report. */
import { StackError } from '#spec/errors';
import type { EventsService as TtrpcEventsService } from '#proto/generated/containerd.services.events.ttrpc.v1';
import type { EventsService } from '#proto/generated/containerd.services.events.v1';
import { requireNamespace } from '#proto/server';
import type { Handlers } from '#proto/service';
import type { Exchange } from '../events/exchange.ts';
import type { Tasks } from '../tasks/tasks.ts';

export function eventsService(exchange: Exchange, tasks: Tasks): Handlers<typeof EventsService> {
  return {
    async publish({ topic, event }, context) {
      if (!event) throw new StackError('invalid_argument', 'the request has no event');
      exchange.publishAny(requireNamespace(context), topic, event);
      return {};
    },

    forward: forwardTo(tasks),

    subscribe: ({ filters }, { signal }) => exchange.subscribe(filters, signal),
  };
}

export function ttrpcEventsService(tasks: Tasks): Handlers<typeof TtrpcEventsService> {
  return { forward: forwardTo(tasks) };
}

function forwardTo(tasks: Tasks): Handlers<typeof TtrpcEventsService>['forward'] {
  return async ({ envelope }) => {
    if (!envelope) throw new StackError('invalid_argument', 'the request has no envelope');
    tasks.receive(envelope);
    return {};
  };
}
