/**
 * What the main thread and the kernel thread say to each other. Requests are carried out one after the other in
 * the order they were sent; every one is answered.
 *
 *     main                         kernel thread
 *      | {id, operation, argument} ---> |
 *      | <--- {id, result} or {id, error}
 */
import { bindBeneath } from './bind-beneath.ts';
import { ensureBridge } from './bridge.ts';
import { forgetOfAddresses, forgetOfPorts } from './connections.ts';
import { chooseIpv6Subnet, chooseIpv4Subnet } from './free-subnet.ts';
import { enableForwarding } from './forwarding.ts';
import { mountFileSystem, removeTree, unmountFileSystem } from './files.ts';
import { redirectPorts, removeFirewall, writeFirewall } from './firewall.ts';
import { checkForeignFilters, hasLegacyFilter, removeForeignRules } from './foreign-filters.ts';
import type { PlainError } from './plain-error.ts';
import { connectToNameServer, openResolver } from './resolver.ts';
import { createUserNamespace, mountTranslated, removeUserNamespace } from './user-namespace.ts';
import { listLinksByAlias, listLinksByPrefix, removeLink } from './links.ts';
import { ensureParent } from './parent.ts';
import {
  attachLink,
  createSandbox,
  detachLink,
  isSandbox,
  mountHostNamespace,
  removeSandbox,
  routeThrough,
} from './sandbox.ts';

/** All that the kernel thread can do. Arguments and results are plain values. */
export const operations = {
  ensureBridge,
  chooseIpv4Subnet,
  chooseIpv6Subnet,
  ensureParent,
  enableForwarding,
  writeFirewall,
  redirectPorts,
  forgetOfPorts,
  forgetOfAddresses,
  removeFirewall,
  checkForeignFilters,
  removeForeignRules,
  hasLegacyFilter,
  createSandbox,
  attachLink,
  detachLink,
  routeThrough,
  openResolver,
  connectToNameServer,
  removeSandbox,
  isSandbox,
  mountHostNamespace,
  listLinksByAlias,
  listLinksByPrefix,
  removeLink,
  mountFileSystem,
  bindBeneath,
  unmountFileSystem,
  removeTree,
  createUserNamespace,
  removeUserNamespace,
  mountTranslated,
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
