/** `hooks` of config.json: programs that run at fixed points of a container's life. */
import {
  absolutePath,
  array,
  cString,
  integer,
  object,
  optional,
  type Decoder,
} from '../json-decoder.ts';

export interface Hook {
  path: string;
  /** All of argv, argv[0] included. */
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

/** In the order of a container's life. */
export const hookKinds = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const;
export type HookKind = (typeof hookKinds)[number];

export type Hooks = Partial<Record<HookKind, Hook[]>>;

const hooks = optional(
  array(
    object<Hook>({
      path: absolutePath,
      args: optional(array(cString)),
      env: optional(array(cString)),
      timeout: optional(integer(1, 0x7fff_ffff)),
    }),
  ),
);

export const decodeHooks: Decoder<Hooks> = object<Hooks>({
  prestart: hooks,
  createRuntime: hooks,
  createContainer: hooks,
  startContainer: hooks,
  poststart: hooks,
  poststop: hooks,
});
