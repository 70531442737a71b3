// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';

/** Options of a runtime that containerd knows nothing about: passed on as they stand in its configuration. */
export interface Options {
  typeUrl: string;
  /** File to read the options from. */
  configPath: string;
  /** The options themselves, as TOML. */
  configBody: Buffer;
}
export const Options = /* @__PURE__ */ defineMessage<Options>('runtimeoptions.v1.Options', () => [
  [1, 'typeUrl', 'string'],
  [2, 'configPath', 'string'],
  [3, 'configBody', 'bytes'],
]);
