/** Letting the machine pass packets on between its links. */
import fs from 'node:fs';
import path from 'node:path';
import { errorCode } from '#spec/errors';
import type { Host } from './host.ts';

const settings = '/proc/sys/net';

/**
 * Lets the machine forward packets of a family. Returns whether that was off before. A machine that forwards IPv6 no
 * longer listens to routers: links that did so until now are told to go on (accept_ra 2), or the machine would lose its
 * way out.
 */
export function enableForwarding(_host: Host, { family }: { family: 'ipv4' | 'ipv6' }): boolean {
  const switches =
    family === 'ipv4'
      ? ['ipv4/ip_forward']
      : ['ipv6/conf/default/forwarding', 'ipv6/conf/all/forwarding'];
  const off = switches.filter((name) => read(name) === '0');
  if (off.length > 0 && family === 'ipv6') keepListeningToRouters();
  for (const name of off) fs.writeFileSync(path.join(settings, name), '1');
  return off.length > 0;
}

function keepListeningToRouters(): void {
  for (const link of fs.readdirSync(path.join(settings, 'ipv6/conf'))) {
    try {
      const name = `ipv6/conf/${link}/accept_ra`;
      if (read(name) === '1') fs.writeFileSync(path.join(settings, name), '2');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error; // the link went meanwhile
    }
  }
}

function read(name: string): string {
  return fs.readFileSync(path.join(settings, name), 'utf8').trim();
}
