// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface ForwardRequest {
  envelope?: containerdTypes.Envelope;
}
export const ForwardRequest = /* @__PURE__ */ defineMessage<ForwardRequest>('containerd.services.events.ttrpc.v1.ForwardRequest', () => [
  [1, 'envelope', containerdTypes.Envelope],
]);

/** Where shims deliver their events: served by the daemon over ttrpc. */
export const EventsService = /* @__PURE__ */ defineService('containerd.services.events.ttrpc.v1.Events', {
  forward: /* @__PURE__ */ defineMethod('Forward', 'unary', ForwardRequest, googleProtobuf.Empty),
});
