/** The links that macvlan and ipvlan links stand on: the host's own, VLANs of those, or one that leads nowhere. */
import { changeLink, getLink, parseLink } from '#lib/netlink/link';
import { createSink, createStacked, createVlan, type StackedKind } from '#lib/netlink/virtual-link';
import { errorCode, StackError } from '#spec/errors';
import fs from 'node:fs';
import type { Host } from './host.ts';
import { threadNetworkNamespace } from './home-namespace.ts';
import { findLink, removeLink } from './links.ts';

export interface ParentRequest {
  /** `eth0`; `eth0.50` is made as VLAN 50 of eth0 where it is missing. */
  readonly name: string;
  /** Nobody named it: it is made as a link that leads nowhere. */
  readonly isSink: boolean;
  /** What is to stand on it. */
  readonly how: StackedKind;
  /** Text that marks a link as created by this engine (its alias). */
  readonly owner: string;
}

export interface ParentState {
  /** This engine created the link, now or in an earlier run. */
  readonly owned: boolean;
  readonly mtu: number;
}

/**
 * Finds or creates the parent and brings it up where it is the engine's own. Throws not_found for one that is missing,
 * unimplemented where the kernel lacks such links.
 */
export function ensureParent(host: Host, request: ParentRequest): ParentState {
  const existing = findLink(host, request.name);
  if (!existing) create(host, request);
  const link = existing ?? parseLink(host.route.get(getLink(request.name)));
  const owned = !existing || existing.alias === request.owner;
  try {
    if (owned) host.route.execute([changeLink(link.index, { up: true, alias: request.owner })]);
    probe(host, request, link.index);
  } catch (error) {
    if (!existing) removeLink(host, request);
    throw error;
  }
  return { owned, mtu: link.mtu };
}

function create(host: Host, { name, isSink }: ParentRequest): void {
  if (isSink) {
    createOneThatLeadsNowhere(host, name);
    return;
  }
  const [, below = '', id = ''] = /^(.+)\.(\d{1,4})$/.exec(name) ?? [];
  const parent = below === '' ? undefined : findLink(host, below);
  if (!parent) {
    throw new StackError('not_found', `the parent interface ${name} was not found on the host`);
  }
  if (Number(id) < 1 || Number(id) > 4094) {
    throw new StackError('invalid_argument', `vlan id must be between 1-4094, received: ${id}`);
  }
  try {
    host.route.execute([createVlan(name, parent.index, Number(id))]);
  } catch (error) {
    throw unlessMissing(error, `cannot make ${name}: this kernel has no VLAN links (8021q)`);
  }
}

function createOneThatLeadsNowhere(host: Host, name: string): void {
  try {
    host.route.execute([createSink(name, 'dummy')]);
  } catch (error) {
    if (!isMissing(error)) throw error;
    try {
      host.route.execute([createSink(name, 'ifb')]);
    } catch (failure) {
      throw unlessMissing(
        failure,
        'a network without parent needs a kernel with dummy or ifb links: name one by "-o parent="',
      );
    }
  }
}

/** Whether the kernel knows such links, and whether this one may carry them, is found out by making one. */
function probe(host: Host, { how }: ParentRequest, parent: number): void {
  const name = `probe${process.pid}`;
  const namespaceFd = fs.openSync(threadNetworkNamespace, 'r');
  try {
    host.route.execute([createStacked({ name, parent, mtu: 1280, how, namespaceFd })]);
    removeLink(host, { name });
  } catch (error) {
    throw unlessMissing(error, `this kernel has no ${how.kind} links`);
  } finally {
    fs.closeSync(namespaceFd);
  }
}

function unlessMissing(error: unknown, sentence: string): unknown {
  return isMissing(error) ? new StackError('unimplemented', sentence, { cause: error }) : error;
}

/** How rtnetlink says that it has never heard of a kind of links. */
function isMissing(error: unknown): boolean {
  return errorCode(error) === 'EOPNOTSUPP' || errorCode(error) === 'ENOTSUP';
}
