/** From what the options say to the sockets that the API is served on, and the warnings that go with them. */
import type { TlsOptions } from 'node:tls';
import type { Logger } from '#lib/log/logger';
import { chooseActivated, type ActivatedSocket } from './activation.ts';
import { parseListenAddress } from './listen-address.ts';
import { nameOf, type Listener } from './listener.ts';
import { socketGroupId } from './socket-group.ts';
import { readTls, type TlsFiles } from './tls.ts';

export interface ApiListener {
  listener: Listener;
  /** Absent where connections are plain: unix sockets always are. */
  tls: TlsOptions | undefined;
}

export interface ListenOptions {
  hosts: readonly string[];
  /** From `-G`. */
  group: string | undefined;
  tls: TlsFiles | undefined;
  activated: readonly ActivatedSocket[];
}

/** Everything to listen on. Opens nothing; throws invalid_argument for what cannot be. */
export function apiListeners(
  { hosts, group, tls: files, activated }: ListenOptions,
  logger: Logger,
): ApiListener[] {
  const tls = files && readTls(files);
  const listeners = hosts.map(parseListenAddress).flatMap((address): ApiListener[] => {
    if (address.kind === 'unix') {
      return [{ listener: { ...address, groupId: socketGroupId(group) }, tls: undefined }];
    }
    if (address.kind === 'tcp') return [{ listener: address, tls }];
    return chooseActivated(activated, address.fd).map(({ fd, kind }) => ({
      listener: { kind: 'fd', fd },
      tls: kind === 'tcp' ? tls : undefined,
    }));
  });
  if (files?.verify !== true) {
    for (const { listener } of listeners) if (listener.kind === 'tcp') warn(listener, logger);
  }
  return listeners;
}

/** docker's words. */
function warn(listener: Listener, logger: Logger): void {
  const host = `tcp://${nameOf(listener)}`;
  for (const message of [
    'Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has access to your network.',
    'Binding to an IP address, even on localhost, can also give access to scripts run in a browser. Be safe out there!',
  ]) {
    logger.warn(message, { host });
  }
}

/** What `docker info` says about addresses that anybody can talk to, in docker's words. */
export function exposureWarnings(
  listeners: readonly ApiListener[],
  tls: TlsFiles | undefined,
): string[] {
  if (tls?.verify === true) return [];
  const how = tls
    ? (address: string) => `https://${address} without TLS client verification.`
    : (address: string) => `http://${address} without encryption.`;
  return listeners
    .filter(({ listener }) => listener.kind === 'tcp')
    .map(
      ({ listener }) => `[DEPRECATION NOTICE]: API is accessible on ${how(nameOf(listener))}
         Access to the remote API is equivalent to root access on the host. Refer
         to the 'Docker daemon attack surface' section in the documentation for
         more information: https://docs.docker.com/go/attack-surface/
In future versions this will be a hard failure preventing the daemon from starting! Learn more at: https://docs.docker.com/go/api-security/`,
    );
}
