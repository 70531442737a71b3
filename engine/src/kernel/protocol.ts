/**
 * What the main thread and the kernel thread say to each other. Requests are carried out one after the other in
 * the order they were sent; every one is answered.
 *
 *     main                         kernel thread
 *      | {id, operation, argument} ---> |
 *      | <--- {id, result} or {id, error}
 */
import { ensureBridge, enableForwarding } from './bridge.ts';
import { mountFileSystem, removeTree, unmountFileSystem } from './files.ts';
import { redirectPorts, removeFirewall, writeFirewall } from './firewall.ts';
import { checkForeignFilters, hasLegacyFilter, removeForeignRules } from './foreign-filters.ts';
import type { PlainError } from './plain-error.ts';
import { openResolver } from './resolver.ts';
import {
  attachLink,
  createSandbox,
  isSandbox,
  listLinksByAlias,
  listLinksByPrefix,
  mountHostNamespace,
  removeLink,
  removeSandbox,
  routeThrough,
} from './sandbox.ts';

/** All that the kernel thread can do. Arguments and results are plain values. */
export const operations = {
  ensureBridge,
  enableForwarding,
  writeFirewall,
  redirectPorts,
  removeFirewall,
  checkForeignFilters,
  removeForeignRules,
  hasLegacyFilter,
  createSandbox,
  attachLink,
  routeThrough,
  openResolver,
  removeSandbox,
  isSandbox,
  mountHostNamespace,
  listLinksByAlias,
  listLinksByPrefix,
  removeLink,
  mountFileSystem,
  unmountFileSystem,
  removeTree,
} as const;

export type Operations = typeof operations;
export type OperationName = keyof Operations;
/** What an operation takes besides the host. */
export type ArgumentOf<Name extends OperationName> =
  Parameters<Operations[Name]> extends [unknown, infer Argument] ? Argument : undefined;
export type ResultOf<Name extends OperationName> = ReturnType<Operations[Name]>;

export interface KernelRequest {
  readonly id: number;
  readonly operation: OperationName;
  readonly argument: unknown;
}

export type KernelResponse =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError };
