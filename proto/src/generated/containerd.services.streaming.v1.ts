// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface StreamInit {
  id: string;
}
export const StreamInit = /* @__PURE__ */ defineMessage<StreamInit>('containerd.services.streaming.v1.StreamInit', () => [
  [1, 'id', 'string'],
]);

/** Streams that other calls refer to by an id, for data and for questions to the client. */
export const StreamingService = /* @__PURE__ */ defineService('containerd.services.streaming.v1.Streaming', {
  /** The first message is a StreamInit; the daemon answers it by an empty message once the stream is known. */
  stream: /* @__PURE__ */ defineMethod('Stream', 'bidi', googleProtobuf.Any, googleProtobuf.Any),
});
