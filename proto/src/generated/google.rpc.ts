// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import * as googleProtobuf from './google.protobuf.ts';

/** How a call ended. */
export interface Status {
  /** A gRPC code: 0 is success. */
  code: number;
  message: string;
  details: googleProtobuf.Any[];
}
export const Status = /* @__PURE__ */ defineMessage<Status>('google.rpc.Status', () => [
  [1, 'code', 'int32'],
  [2, 'message', 'string'],
  [3, 'details', googleProtobuf.Any, 'repeated'],
]);
