// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface Container {
  id: string;
  labels: Record<string, string>;
  /** Name of the image it was made from, if any. */
  image: string;
  runtime?: ContainerRuntime;
  /** config.json, as JSON under `types.containerd.io/opencontainers/runtime-spec/1/Spec`. */
  spec?: googleProtobuf.Any;
  /** With snapshot_key: the rootfs, kept from the garbage collector by this record. */
  snapshotter: string;
  snapshotKey: string;
  createdAt?: googleProtobuf.Timestamp;
  updatedAt?: googleProtobuf.Timestamp;
  extensions: Record<string, googleProtobuf.Any>;
  /** Id of the sandbox it belongs to, if any. */
  sandbox: string;
}
export const Container = /* @__PURE__ */ defineMessage<Container>('containerd.services.containers.v1.Container', () => [
  [1, 'id', 'string'],
  [2, 'labels', 'string', 'map'],
  [3, 'image', 'string'],
  [4, 'runtime', ContainerRuntime],
  [5, 'spec', googleProtobuf.Any],
  [6, 'snapshotter', 'string'],
  [7, 'snapshotKey', 'string'],
  [8, 'createdAt', googleProtobuf.Timestamp],
  [9, 'updatedAt', googleProtobuf.Timestamp],
  [10, 'extensions', googleProtobuf.Any, 'map'],
  [11, 'sandbox', 'string'],
]);

export interface ContainerRuntime {
  /** `io.containerd.runc.v2`, or the absolute path of a shim. */
  name: string;
  /** Goes into CreateTaskRequest.options. */
  options?: googleProtobuf.Any;
}
export const ContainerRuntime = /* @__PURE__ */ defineMessage<ContainerRuntime>('containerd.services.containers.v1.Container.Runtime', () => [
  [1, 'name', 'string'],
  [2, 'options', googleProtobuf.Any],
]);

export interface GetContainerRequest {
  id: string;
}
export const GetContainerRequest = /* @__PURE__ */ defineMessage<GetContainerRequest>('containerd.services.containers.v1.GetContainerRequest', () => [
  [1, 'id', 'string'],
]);

export interface GetContainerResponse {
  container?: Container;
}
export const GetContainerResponse = /* @__PURE__ */ defineMessage<GetContainerResponse>('containerd.services.containers.v1.GetContainerResponse', () => [
  [1, 'container', Container],
]);

export interface ListContainersRequest {
  /** Containers that match any of them; each is a list of conditions joined by commas. */
  filters: string[];
}
export const ListContainersRequest = /* @__PURE__ */ defineMessage<ListContainersRequest>('containerd.services.containers.v1.ListContainersRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

export interface ListContainersResponse {
  containers: Container[];
}
export const ListContainersResponse = /* @__PURE__ */ defineMessage<ListContainersResponse>('containerd.services.containers.v1.ListContainersResponse', () => [
  [1, 'containers', Container, 'repeated'],
]);

export interface CreateContainerRequest {
  container?: Container;
}
export const CreateContainerRequest = /* @__PURE__ */ defineMessage<CreateContainerRequest>('containerd.services.containers.v1.CreateContainerRequest', () => [
  [1, 'container', Container],
]);

export interface CreateContainerResponse {
  container?: Container;
}
export const CreateContainerResponse = /* @__PURE__ */ defineMessage<CreateContainerResponse>('containerd.services.containers.v1.CreateContainerResponse', () => [
  [1, 'container', Container],
]);

export interface UpdateContainerRequest {
  container?: Container;
  /** Without it all that may change is replaced. */
  updateMask?: googleProtobuf.FieldMask;
}
export const UpdateContainerRequest = /* @__PURE__ */ defineMessage<UpdateContainerRequest>('containerd.services.containers.v1.UpdateContainerRequest', () => [
  [1, 'container', Container],
  [2, 'updateMask', googleProtobuf.FieldMask],
]);

export interface UpdateContainerResponse {
  container?: Container;
}
export const UpdateContainerResponse = /* @__PURE__ */ defineMessage<UpdateContainerResponse>('containerd.services.containers.v1.UpdateContainerResponse', () => [
  [1, 'container', Container],
]);

export interface DeleteContainerRequest {
  id: string;
}
export const DeleteContainerRequest = /* @__PURE__ */ defineMessage<DeleteContainerRequest>('containerd.services.containers.v1.DeleteContainerRequest', () => [
  [1, 'id', 'string'],
]);

export interface ListContainerMessage {
  container?: Container;
}
export const ListContainerMessage = /* @__PURE__ */ defineMessage<ListContainerMessage>('containerd.services.containers.v1.ListContainerMessage', () => [
  [1, 'container', Container],
]);

/** Records of containers. A container is a description; what runs is a task. */
export const ContainersService = /* @__PURE__ */ defineService('containerd.services.containers.v1.Containers', {
  get: /* @__PURE__ */ defineMethod('Get', 'unary', GetContainerRequest, GetContainerResponse),
  list: /* @__PURE__ */ defineMethod('List', 'unary', ListContainersRequest, ListContainersResponse),
  listStream: /* @__PURE__ */ defineMethod('ListStream', 'server_stream', ListContainersRequest, ListContainerMessage),
  create: /* @__PURE__ */ defineMethod('Create', 'unary', CreateContainerRequest, CreateContainerResponse),
  update: /* @__PURE__ */ defineMethod('Update', 'unary', UpdateContainerRequest, UpdateContainerResponse),
  delete: /* @__PURE__ */ defineMethod('Delete', 'unary', DeleteContainerRequest, googleProtobuf.Empty),
});
