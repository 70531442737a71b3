// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import * as googleRpc from './google.rpc.ts';

/** The body of a request frame. */
export interface Request {
  /** Full service name, `containerd.task.v2.Task`. */
  service: string;
  /** Method name alone, `Create`. */
  method: string;
  /** The encoded request message. */
  payload: Buffer;
  /** Time that the caller is willing to wait; 0 means no limit. */
  timeoutNano: number;
  metadata: KeyValue[];
}
export const Request = /* @__PURE__ */ defineMessage<Request>('ttrpc.Request', () => [
  [1, 'service', 'string'],
  [2, 'method', 'string'],
  [3, 'payload', 'bytes'],
  [4, 'timeoutNano', 'int64'],
  [5, 'metadata', KeyValue, 'repeated'],
]);

/** The body of a response frame. */
export interface Response {
  /** Absent on success. */
  status?: googleRpc.Status;
  /** The encoded response message. */
  payload: Buffer;
}
export const Response = /* @__PURE__ */ defineMessage<Response>('ttrpc.Response', () => [
  [1, 'status', googleRpc.Status],
  [2, 'payload', 'bytes'],
]);

export interface KeyValue {
  key: string;
  value: string;
}
export const KeyValue = /* @__PURE__ */ defineMessage<KeyValue>('ttrpc.KeyValue', () => [
  [1, 'key', 'string'],
  [2, 'value', 'string'],
]);
