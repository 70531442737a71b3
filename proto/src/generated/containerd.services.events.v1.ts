// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface PublishRequest {
  topic: string;
  event?: googleProtobuf.Any;
}
export const PublishRequest = /* @__PURE__ */ defineMessage<PublishRequest>('containerd.services.events.v1.PublishRequest', () => [
  [1, 'topic', 'string'],
  [2, 'event', googleProtobuf.Any],
]);

export interface ForwardRequest {
  envelope?: containerdTypes.Envelope;
}
export const ForwardRequest = /* @__PURE__ */ defineMessage<ForwardRequest>('containerd.services.events.v1.ForwardRequest', () => [
  [1, 'envelope', containerdTypes.Envelope],
]);

export interface SubscribeRequest {
  /** `namespace==moby,topic~=|^/tasks/|` */
  filters: string[];
}
export const SubscribeRequest = /* @__PURE__ */ defineMessage<SubscribeRequest>('containerd.services.events.v1.SubscribeRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

/** What happens, as it happens. Nothing is replayed. */
export const EventsService = /* @__PURE__ */ defineService('containerd.services.events.v1.Events', {
  /** The daemon adds time and the caller's namespace. */
  publish: /* @__PURE__ */ defineMethod('Publish', 'unary', PublishRequest, googleProtobuf.Empty),
  /** An event that another daemon or shim has already put into an envelope. */
  forward: /* @__PURE__ */ defineMethod('Forward', 'unary', ForwardRequest, googleProtobuf.Empty),
  /** Of every namespace, unless a filter says otherwise. */
  subscribe: /* @__PURE__ */ defineMethod('Subscribe', 'server_stream', SubscribeRequest, containerdTypes.Envelope),
});
