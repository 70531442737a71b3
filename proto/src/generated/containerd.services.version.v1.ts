// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';
import { defineMethod, defineService } from '../service.ts';
import * as googleProtobuf from './google.protobuf.ts';

export interface VersionResponse {
  version: string;
  /** Commit it was built from. */
  revision: string;
}
export const VersionResponse = /* @__PURE__ */ defineMessage<VersionResponse>('containerd.services.version.v1.VersionResponse', () => [
  [1, 'version', 'string'],
  [2, 'revision', 'string'],
]);

export const VersionService = /* @__PURE__ */ defineService('containerd.services.version.v1.Version', {
  version: /* @__PURE__ */ defineMethod('Version', 'unary', googleProtobuf.Empty, VersionResponse),
});
