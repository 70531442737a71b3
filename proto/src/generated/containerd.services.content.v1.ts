// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineEnum } from '../message.ts';
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as googleProtobuf from './google.protobuf.ts';

export type WriteAction = 'STAT' | 'WRITE' | 'COMMIT';
export const WriteAction = /* @__PURE__ */ defineEnum('containerd.services.content.v1.WriteAction', {
  STAT: 0,
  WRITE: 1,
  COMMIT: 2,
});

export interface Info {
  digest: string;
  /** Bytes. */
  size: number;
  createdAt?: googleProtobuf.Timestamp;
  updatedAt?: googleProtobuf.Timestamp;
  labels: Record<string, string>;
}
export const Info = /* @__PURE__ */ defineMessage<Info>('containerd.services.content.v1.Info', () => [
  [1, 'digest', 'string'],
  [2, 'size', 'int64'],
  [3, 'createdAt', googleProtobuf.Timestamp],
  [4, 'updatedAt', googleProtobuf.Timestamp],
  [5, 'labels', 'string', 'map'],
]);

export interface InfoRequest {
  digest: string;
}
export const InfoRequest = /* @__PURE__ */ defineMessage<InfoRequest>('containerd.services.content.v1.InfoRequest', () => [
  [1, 'digest', 'string'],
]);

export interface InfoResponse {
  info?: Info;
}
export const InfoResponse = /* @__PURE__ */ defineMessage<InfoResponse>('containerd.services.content.v1.InfoResponse', () => [
  [1, 'info', Info],
]);

export interface UpdateRequest {
  info?: Info;
  /** `labels` or `labels.<key>`; without it all labels are replaced. */
  updateMask?: googleProtobuf.FieldMask;
}
export const UpdateRequest = /* @__PURE__ */ defineMessage<UpdateRequest>('containerd.services.content.v1.UpdateRequest', () => [
  [1, 'info', Info],
  [2, 'updateMask', googleProtobuf.FieldMask],
]);

export interface UpdateResponse {
  info?: Info;
}
export const UpdateResponse = /* @__PURE__ */ defineMessage<UpdateResponse>('containerd.services.content.v1.UpdateResponse', () => [
  [1, 'info', Info],
]);

export interface ListContentRequest {
  filters: string[];
}
export const ListContentRequest = /* @__PURE__ */ defineMessage<ListContentRequest>('containerd.services.content.v1.ListContentRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

export interface ListContentResponse {
  info: Info[];
}
export const ListContentResponse = /* @__PURE__ */ defineMessage<ListContentResponse>('containerd.services.content.v1.ListContentResponse', () => [
  [1, 'info', Info, 'repeated'],
]);

export interface DeleteContentRequest {
  digest: string;
}
export const DeleteContentRequest = /* @__PURE__ */ defineMessage<DeleteContentRequest>('containerd.services.content.v1.DeleteContentRequest', () => [
  [1, 'digest', 'string'],
]);

export interface ReadContentRequest {
  digest: string;
  offset: number;
  /** 0 reads to the end. */
  size: number;
}
export const ReadContentRequest = /* @__PURE__ */ defineMessage<ReadContentRequest>('containerd.services.content.v1.ReadContentRequest', () => [
  [1, 'digest', 'string'],
  [2, 'offset', 'int64'],
  [3, 'size', 'int64'],
]);

export interface ReadContentResponse {
  offset: number;
  data: Buffer;
}
export const ReadContentResponse = /* @__PURE__ */ defineMessage<ReadContentResponse>('containerd.services.content.v1.ReadContentResponse', () => [
  [1, 'offset', 'int64'],
  [2, 'data', 'bytes'],
]);

/** An ingest. */
export interface Status {
  startedAt?: googleProtobuf.Timestamp;
  updatedAt?: googleProtobuf.Timestamp;
  ref: string;
  /** Bytes stored so far. */
  offset: number;
  /** Bytes expected; 0 where that is not known. */
  total: number;
  /** Digest expected, if any. */
  expected: string;
}
export const Status = /* @__PURE__ */ defineMessage<Status>('containerd.services.content.v1.Status', () => [
  [1, 'startedAt', googleProtobuf.Timestamp],
  [2, 'updatedAt', googleProtobuf.Timestamp],
  [3, 'ref', 'string'],
  [4, 'offset', 'int64'],
  [5, 'total', 'int64'],
  [6, 'expected', 'string'],
]);

export interface StatusRequest {
  ref: string;
}
export const StatusRequest = /* @__PURE__ */ defineMessage<StatusRequest>('containerd.services.content.v1.StatusRequest', () => [
  [1, 'ref', 'string'],
]);

export interface StatusResponse {
  status?: Status;
}
export const StatusResponse = /* @__PURE__ */ defineMessage<StatusResponse>('containerd.services.content.v1.StatusResponse', () => [
  [1, 'status', Status],
]);

export interface ListStatusesRequest {
  filters: string[];
}
export const ListStatusesRequest = /* @__PURE__ */ defineMessage<ListStatusesRequest>('containerd.services.content.v1.ListStatusesRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

export interface ListStatusesResponse {
  statuses: Status[];
}
export const ListStatusesResponse = /* @__PURE__ */ defineMessage<ListStatusesResponse>('containerd.services.content.v1.ListStatusesResponse', () => [
  [1, 'statuses', Status, 'repeated'],
]);

export interface WriteContentRequest {
  action: WriteAction;
  /** Needed in the first message, may be repeated in others. */
  ref: string;
  total: number;
  /** Where this digest is already stored the call fails with already_exists. */
  expected: string;
  /** Must be the ingest's size; 0 with data starts it again. */
  offset: number;
  data: Buffer;
  /** Labels of the blob, with COMMIT. */
  labels: Record<string, string>;
}
export const WriteContentRequest = /* @__PURE__ */ defineMessage<WriteContentRequest>('containerd.services.content.v1.WriteContentRequest', () => [
  [1, 'action', WriteAction],
  [2, 'ref', 'string'],
  [3, 'total', 'int64'],
  [4, 'expected', 'string'],
  [5, 'offset', 'int64'],
  [6, 'data', 'bytes'],
  [7, 'labels', 'string', 'map'],
]);

export interface WriteContentResponse {
  action: WriteAction;
  startedAt?: googleProtobuf.Timestamp;
  updatedAt?: googleProtobuf.Timestamp;
  /** Bytes stored so far. */
  offset: number;
  total: number;
  /** Of the blob, after COMMIT. */
  digest: string;
}
export const WriteContentResponse = /* @__PURE__ */ defineMessage<WriteContentResponse>('containerd.services.content.v1.WriteContentResponse', () => [
  [1, 'action', WriteAction],
  [2, 'startedAt', googleProtobuf.Timestamp],
  [3, 'updatedAt', googleProtobuf.Timestamp],
  [4, 'offset', 'int64'],
  [5, 'total', 'int64'],
  [6, 'digest', 'string'],
]);

export interface AbortRequest {
  ref: string;
}
export const AbortRequest = /* @__PURE__ */ defineMessage<AbortRequest>('containerd.services.content.v1.AbortRequest', () => [
  [1, 'ref', 'string'],
]);

/** Blobs by digest, and ingests: blobs on their way in, by a reference that the writer chooses. */
export const ContentService = /* @__PURE__ */ defineService('containerd.services.content.v1.Content', {
  info: /* @__PURE__ */ defineMethod('Info', 'unary', InfoRequest, InfoResponse),
  /** Only labels may change. */
  update: /* @__PURE__ */ defineMethod('Update', 'unary', UpdateRequest, UpdateResponse),
  list: /* @__PURE__ */ defineMethod('List', 'server_stream', ListContentRequest, ListContentResponse),
  delete: /* @__PURE__ */ defineMethod('Delete', 'unary', DeleteContentRequest, googleProtobuf.Empty),
  read: /* @__PURE__ */ defineMethod('Read', 'server_stream', ReadContentRequest, ReadContentResponse),
  status: /* @__PURE__ */ defineMethod('Status', 'unary', StatusRequest, StatusResponse),
  listStatuses: /* @__PURE__ */ defineMethod('ListStatuses', 'unary', ListStatusesRequest, ListStatusesResponse),
  /** One writer per ref. Every request is answered by one response; a COMMIT ends the stream. */
  write: /* @__PURE__ */ defineMethod('Write', 'bidi', WriteContentRequest, WriteContentResponse),
  abort: /* @__PURE__ */ defineMethod('Abort', 'unary', AbortRequest, googleProtobuf.Empty),
});
