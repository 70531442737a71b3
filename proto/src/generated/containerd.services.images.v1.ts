// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

/** Topic /images/create */
export interface ImageCreate {
  name: string;
  labels: Record<string, string>;
}
export const ImageCreate = /* @__PURE__ */ defineMessage<ImageCreate>('containerd.services.images.v1.ImageCreate', () => [
  [1, 'name', 'string'],
  [2, 'labels', 'string', 'map'],
]);

/** Topic /images/update */
export interface ImageUpdate {
  name: string;
  labels: Record<string, string>;
}
export const ImageUpdate = /* @__PURE__ */ defineMessage<ImageUpdate>('containerd.services.images.v1.ImageUpdate', () => [
  [1, 'name', 'string'],
  [2, 'labels', 'string', 'map'],
]);

/** Topic /images/delete */
export interface ImageDelete {
  name: string;
}
export const ImageDelete = /* @__PURE__ */ defineMessage<ImageDelete>('containerd.services.images.v1.ImageDelete', () => [
  [1, 'name', 'string'],
]);

export interface Image {
  name: string;
  labels: Record<string, string>;
  target?: containerdTypes.Descriptor;
  createdAt?: googleProtobuf.Timestamp;
  updatedAt?: googleProtobuf.Timestamp;
}
export const Image = /* @__PURE__ */ defineMessage<Image>('containerd.services.images.v1.Image', () => [
  [1, 'name', 'string'],
  [2, 'labels', 'string', 'map'],
  [3, 'target', containerdTypes.Descriptor],
  [7, 'createdAt', googleProtobuf.Timestamp],
  [8, 'updatedAt', googleProtobuf.Timestamp],
]);

export interface GetImageRequest {
  name: string;
}
export const GetImageRequest = /* @__PURE__ */ defineMessage<GetImageRequest>('containerd.services.images.v1.GetImageRequest', () => [
  [1, 'name', 'string'],
]);

export interface GetImageResponse {
  image?: Image;
}
export const GetImageResponse = /* @__PURE__ */ defineMessage<GetImageResponse>('containerd.services.images.v1.GetImageResponse', () => [
  [1, 'image', Image],
]);

export interface CreateImageRequest {
  image?: Image;
  /** Taken as the time of creation, for reproducible results. */
  sourceDateEpoch?: googleProtobuf.Timestamp;
}
export const CreateImageRequest = /* @__PURE__ */ defineMessage<CreateImageRequest>('containerd.services.images.v1.CreateImageRequest', () => [
  [1, 'image', Image],
  [2, 'sourceDateEpoch', googleProtobuf.Timestamp],
]);

export interface CreateImageResponse {
  image?: Image;
}
export const CreateImageResponse = /* @__PURE__ */ defineMessage<CreateImageResponse>('containerd.services.images.v1.CreateImageResponse', () => [
  [1, 'image', Image],
]);

export interface UpdateImageRequest {
  image?: Image;
  /** `target`, `labels`, `labels.<key>`; without it all of them are replaced. */
  updateMask?: googleProtobuf.FieldMask;
  sourceDateEpoch?: googleProtobuf.Timestamp;
}
export const UpdateImageRequest = /* @__PURE__ */ defineMessage<UpdateImageRequest>('containerd.services.images.v1.UpdateImageRequest', () => [
  [1, 'image', Image],
  [2, 'updateMask', googleProtobuf.FieldMask],
  [3, 'sourceDateEpoch', googleProtobuf.Timestamp],
]);

export interface UpdateImageResponse {
  image?: Image;
}
export const UpdateImageResponse = /* @__PURE__ */ defineMessage<UpdateImageResponse>('containerd.services.images.v1.UpdateImageResponse', () => [
  [1, 'image', Image],
]);

export interface ListImagesRequest {
  filters: string[];
}
export const ListImagesRequest = /* @__PURE__ */ defineMessage<ListImagesRequest>('containerd.services.images.v1.ListImagesRequest', () => [
  [1, 'filters', 'string', 'repeated'],
]);

export interface ListImagesResponse {
  images: Image[];
}
export const ListImagesResponse = /* @__PURE__ */ defineMessage<ListImagesResponse>('containerd.services.images.v1.ListImagesResponse', () => [
  [1, 'images', Image, 'repeated'],
]);

export interface DeleteImageRequest {
  name: string;
  /** Answer only after the garbage collector has run. */
  sync: boolean;
  /** Delete only while the image points here. */
  target?: containerdTypes.Descriptor;
}
export const DeleteImageRequest = /* @__PURE__ */ defineMessage<DeleteImageRequest>('containerd.services.images.v1.DeleteImageRequest', () => [
  [1, 'name', 'string'],
  [2, 'sync', 'bool'],
  [3, 'target', containerdTypes.Descriptor],
]);

/** Names of images: each points at a manifest or an index in the content store and keeps it there. */
export const ImagesService = /* @__PURE__ */ defineService('containerd.services.images.v1.Images', {
  get: /* @__PURE__ */ defineMethod('Get', 'unary', GetImageRequest, GetImageResponse),
  list: /* @__PURE__ */ defineMethod('List', 'unary', ListImagesRequest, ListImagesResponse),
  create: /* @__PURE__ */ defineMethod('Create', 'unary', CreateImageRequest, CreateImageResponse),
  update: /* @__PURE__ */ defineMethod('Update', 'unary', UpdateImageRequest, UpdateImageResponse),
  delete: /* @__PURE__ */ defineMethod('Delete', 'unary', DeleteImageRequest, googleProtobuf.Empty),
});
