// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface TransferRequest {
  /** Messages of package containerd.types.transfer. */
  source?: googleProtobuf.Any;
  destination?: googleProtobuf.Any;
  options?: TransferOptions;
}
export const TransferRequest = /* @__PURE__ */ defineMessage<TransferRequest>('containerd.services.transfer.v1.TransferRequest', () => [
  [1, 'source', googleProtobuf.Any],
  [2, 'destination', googleProtobuf.Any],
  [3, 'options', TransferOptions],
]);

export interface TransferOptions {
  /** Stream for containerd.types.transfer.Progress. */
  progressStream: string;
}
export const TransferOptions = /* @__PURE__ */ defineMessage<TransferOptions>('containerd.services.transfer.v1.TransferOptions', () => [
  [1, 'progressStream', 'string'],
]);

/** Moves images between registries, archives and the image store (containerd 1.7 and later). */
export const TransferService = /* @__PURE__ */ defineService('containerd.services.transfer.v1.Transfer', {
  transfer: /* @__PURE__ */ defineMethod('Transfer', 'unary', TransferRequest, googleProtobuf.Empty),
});
