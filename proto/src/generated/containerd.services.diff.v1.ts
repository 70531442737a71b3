// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as containerdTypes from './containerd.types.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface ApplyRequest {
  diff?: containerdTypes.Descriptor;
  mounts: containerdTypes.Mount[];
  /** For processors of special media types (decryption), by their id. */
  payloads: Record<string, googleProtobuf.Any>;
  /** Flush the file system before answering. */
  syncFs: boolean;
}
export const ApplyRequest = /* @__PURE__ */ defineMessage<ApplyRequest>('containerd.services.diff.v1.ApplyRequest', () => [
  [1, 'diff', containerdTypes.Descriptor],
  [2, 'mounts', containerdTypes.Mount, 'repeated'],
  [3, 'payloads', googleProtobuf.Any, 'map'],
  [4, 'syncFs', 'bool'],
]);

export interface ApplyResponse {
  /** The uncompressed tar: its digest is the layer's diff ID. */
  applied?: containerdTypes.Descriptor;
}
export const ApplyResponse = /* @__PURE__ */ defineMessage<ApplyResponse>('containerd.services.diff.v1.ApplyResponse', () => [
  [1, 'applied', containerdTypes.Descriptor],
]);

export interface DiffRequest {
  left: containerdTypes.Mount[];
  right: containerdTypes.Mount[];
  mediaType: string;
  /** Ingest to write to. */
  ref: string;
  labels: Record<string, string>;
  /** Upper bound of the times in the layer, for reproducible results. */
  sourceDateEpoch?: googleProtobuf.Timestamp;
}
export const DiffRequest = /* @__PURE__ */ defineMessage<DiffRequest>('containerd.services.diff.v1.DiffRequest', () => [
  [1, 'left', containerdTypes.Mount, 'repeated'],
  [2, 'right', containerdTypes.Mount, 'repeated'],
  [3, 'mediaType', 'string'],
  [4, 'ref', 'string'],
  [5, 'labels', 'string', 'map'],
  [6, 'sourceDateEpoch', googleProtobuf.Timestamp],
]);

export interface DiffResponse {
  diff?: containerdTypes.Descriptor;
}
export const DiffResponse = /* @__PURE__ */ defineMessage<DiffResponse>('containerd.services.diff.v1.DiffResponse', () => [
  [3, 'diff', containerdTypes.Descriptor],
]);

/** Layers to file trees and back. */
export const DiffService = /* @__PURE__ */ defineService('containerd.services.diff.v1.Diff', {
  /** Unpacks a layer of the content store into what the mounts show. */
  apply: /* @__PURE__ */ defineMethod('Apply', 'unary', ApplyRequest, ApplyResponse),
  /** Writes the difference of two trees as a layer into the content store. */
  diff: /* @__PURE__ */ defineMethod('Diff', 'unary', DiffRequest, DiffResponse),
});
