// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface Namespace {
  name: string;
  labels: Record<string, string>;
}
export const Namespace = /* @__PURE__ */ defineMessage<Namespace>('containerd.services.namespaces.v1.Namespace', () => [
  [1, 'name', 'string'],
  [2, 'labels', 'string', 'map'],
]);

export interface GetNamespaceRequest {
  name: string;
}
export const GetNamespaceRequest = /* @__PURE__ */ defineMessage<GetNamespaceRequest>('containerd.services.namespaces.v1.GetNamespaceRequest', () => [
  [1, 'name', 'string'],
]);

export interface GetNamespaceResponse {
  namespace?: Namespace;
}
export const GetNamespaceResponse = /* @__PURE__ */ defineMessage<GetNamespaceResponse>('containerd.services.namespaces.v1.GetNamespaceResponse', () => [
  [1, 'namespace', Namespace],
]);

export interface ListNamespacesRequest {
  filter: string;
}
export const ListNamespacesRequest = /* @__PURE__ */ defineMessage<ListNamespacesRequest>('containerd.services.namespaces.v1.ListNamespacesRequest', () => [
  [1, 'filter', 'string'],
]);

export interface ListNamespacesResponse {
  namespaces: Namespace[];
}
export const ListNamespacesResponse = /* @__PURE__ */ defineMessage<ListNamespacesResponse>('containerd.services.namespaces.v1.ListNamespacesResponse', () => [
  [1, 'namespaces', Namespace, 'repeated'],
]);

export interface CreateNamespaceRequest {
  namespace?: Namespace;
}
export const CreateNamespaceRequest = /* @__PURE__ */ defineMessage<CreateNamespaceRequest>('containerd.services.namespaces.v1.CreateNamespaceRequest', () => [
  [1, 'namespace', Namespace],
]);

export interface CreateNamespaceResponse {
  namespace?: Namespace;
}
export const CreateNamespaceResponse = /* @__PURE__ */ defineMessage<CreateNamespaceResponse>('containerd.services.namespaces.v1.CreateNamespaceResponse', () => [
  [1, 'namespace', Namespace],
]);

export interface UpdateNamespaceRequest {
  namespace?: Namespace;
  /** `labels` or `labels.<key>`; without it all labels are replaced. */
  updateMask?: googleProtobuf.FieldMask;
}
export const UpdateNamespaceRequest = /* @__PURE__ */ defineMessage<UpdateNamespaceRequest>('containerd.services.namespaces.v1.UpdateNamespaceRequest', () => [
  [1, 'namespace', Namespace],
  [2, 'updateMask', googleProtobuf.FieldMask],
]);

export interface UpdateNamespaceResponse {
  namespace?: Namespace;
}
export const UpdateNamespaceResponse = /* @__PURE__ */ defineMessage<UpdateNamespaceResponse>('containerd.services.namespaces.v1.UpdateNamespaceResponse', () => [
  [1, 'namespace', Namespace],
]);

export interface DeleteNamespaceRequest {
  name: string;
}
export const DeleteNamespaceRequest = /* @__PURE__ */ defineMessage<DeleteNamespaceRequest>('containerd.services.namespaces.v1.DeleteNamespaceRequest', () => [
  [1, 'name', 'string'],
]);

/** Namespaces separate clients of one daemon from each other; content is shared below them. */
export const NamespacesService = /* @__PURE__ */ defineService('containerd.services.namespaces.v1.Namespaces', {
  get: /* @__PURE__ */ defineMethod('Get', 'unary', GetNamespaceRequest, GetNamespaceResponse),
  list: /* @__PURE__ */ defineMethod('List', 'unary', ListNamespacesRequest, ListNamespacesResponse),
  create: /* @__PURE__ */ defineMethod('Create', 'unary', CreateNamespaceRequest, CreateNamespaceResponse),
  update: /* @__PURE__ */ defineMethod('Update', 'unary', UpdateNamespaceRequest, UpdateNamespaceResponse),
  /** Refused while anything lives in it. */
  delete: /* @__PURE__ */ defineMethod('Delete', 'unary', DeleteNamespaceRequest, googleProtobuf.Empty),
});
