// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface Lease {
  id: string;
  createdAt?: googleProtobuf.Timestamp;
  /** `containerd.io/gc.expire` holds the time at which it ends, in RFC 3339. */
  labels: Record<string, string>;
}
export const Lease = /* @__PURE__ */ defineMessage<Lease>('containerd.services.leases.v1.Lease', () => [
  [1, 'id', 'string'],
  [2, 'createdAt', googleProtobuf.Timestamp],
  [3, 'labels', 'string', 'map'],
]);

export interface CreateRequest {
  /** Empty lets the daemon choose. */
  id: string;
  labels: Record<string, string>;
}
export const CreateRequest = /* @__PURE__ */ defineMessage<CreateRequest>('containerd.services.leases.v1.CreateRequest', () => [
  [1, 'id', 'string'],
  [3, 'labels', 'string', 'map'],
]);

export interface CreateResponse {
  lease?: Lease;
}
export const CreateResponse = /* @__PURE__ */ defineMessage<CreateResponse>('containerd.services.leases.v1.CreateResponse', () => [
  [1, 'lease', Lease],
]);

export interface DeleteRequest {
  id: string;
  /** Answer only after the garbage collector has run. */
  sync: boolean;
}
export const DeleteRequest = /* @__PURE__ */ defineMessage<DeleteRequest>('containerd.services.leases.v1.DeleteRequest', () => [
  [1, 'id', 'string'],
  [2, 'sync', 'bool'],
]);

export interface ListRequest {
  filters: string[];
}
export const ListRequest = /* @__PURE__ */ defineMessage<ListRequest>('containerd.services.leases.v1.ListRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

export interface ListResponse {
  leases: Lease[];
}
export const ListResponse = /* @__PURE__ */ defineMessage<ListResponse>('containerd.services.leases.v1.ListResponse', () => [
  [1, 'leases', Lease, 'repeated'],
]);

export interface Resource {
  /** Digest, ingest reference or snapshot key. */
  id: string;
  /** `content`, `ingests`, `snapshots/<snapshotter>`, `images` */
  type: string;
}
export const Resource = /* @__PURE__ */ defineMessage<Resource>('containerd.services.leases.v1.Resource', () => [
  [1, 'id', 'string'],
  [2, 'type', 'string'],
]);

export interface AddResourceRequest {
  id: string;
  resource?: Resource;
}
export const AddResourceRequest = /* @__PURE__ */ defineMessage<AddResourceRequest>('containerd.services.leases.v1.AddResourceRequest', () => [
  [1, 'id', 'string'],
  [2, 'resource', Resource],
]);

export interface DeleteResourceRequest {
  id: string;
  resource?: Resource;
}
export const DeleteResourceRequest = /* @__PURE__ */ defineMessage<DeleteResourceRequest>('containerd.services.leases.v1.DeleteResourceRequest', () => [
  [1, 'id', 'string'],
  [2, 'resource', Resource],
]);

export interface ListResourcesRequest {
  id: string;
}
export const ListResourcesRequest = /* @__PURE__ */ defineMessage<ListResourcesRequest>('containerd.services.leases.v1.ListResourcesRequest', () => [
  [1, 'id', 'string'],
]);

export interface ListResourcesResponse {
  resources: Resource[];
}
export const ListResourcesResponse = /* @__PURE__ */ defineMessage<ListResourcesResponse>('containerd.services.leases.v1.ListResourcesResponse', () => [
  [1, 'resources', Resource, 'repeated'],
]);

/** Leases keep what they name from the garbage collector. A call with the metadata `containerd-lease` adds
 * everything that it creates. */
export const LeasesService = /* @__PURE__ */ defineService('containerd.services.leases.v1.Leases', {
  create: /* @__PURE__ */ defineMethod('Create', 'unary', CreateRequest, CreateResponse),
  delete: /* @__PURE__ */ defineMethod('Delete', 'unary', DeleteRequest, googleProtobuf.Empty),
  list: /* @__PURE__ */ defineMethod('List', 'unary', ListRequest, ListResponse),
  addResource: /* @__PURE__ */ defineMethod('AddResource', 'unary', AddResourceRequest, googleProtobuf.Empty),
  deleteResource: /* @__PURE__ */ defineMethod('DeleteResource', 'unary', DeleteResourceRequest, googleProtobuf.Empty),
  listResources: /* @__PURE__ */ defineMethod('ListResources', 'unary', ListResourcesRequest, ListResourcesResponse),
});
