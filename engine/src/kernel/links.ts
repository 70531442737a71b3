/** Links of the host, by name and by owner. */
import { deleteLink, getLink, listLinks, parseLink, type Link } from '#lib/netlink/link';
import { errorCode, isStackError } from '#spec/errors';
import type { Host } from './host.ts';

/** The host's link of this name, if there is one. */
export function findLink(host: Host, name: string): Link | undefined {
  try {
    return parseLink(host.route.get(getLink(name)));
  } catch (error) {
    if (isStackError(error, 'not_found')) return undefined;
    throw error;
  }
}

/** Names of the host's links that begin with `prefix`. */
export function listLinksByPrefix(host: Host, { prefix }: { prefix: string }): string[] {
  return host.route
    .dump(listLinks())
    .map((message) => parseLink(message).name)
    .filter((name) => name.startsWith(prefix));
}

/** Names of the host's links that have this alias. */
export function listLinksByAlias(host: Host, { alias }: { alias: string }): string[] {
  return host.route
    .dump(listLinks())
    .map(parseLink)
    .filter((link) => link.alias === alias)
    .map(({ name }) => name);
}

/** Deletes a link that may be gone already. Waits for RCU. */
export function removeLink(host: Host, { name }: { name: string }): void {
  try {
    host.route.execute([deleteLink(name)]);
  } catch (error) {
    if (errorCode(error) !== 'ENODEV') throw error;
  }
}
