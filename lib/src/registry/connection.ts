/** Connections to one endpoint: certificates, proxy, time-out. */
import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';

export interface ConnectionSettings {
  verifyTls: boolean;
  /** Further authorities to trust, PEM. */
  authorities?: readonly string[];
  /** Certificates to show, with their keys, PEM. */
  clientCertificates?: readonly { certificate: string; key: string }[];
  /** URL of a proxy that replaces what the environment says. */
  proxy?: string;
  /** How long a connection may take to come about. */
  dialTimeoutMs?: number;
}

/** Loopback is never asked through a proxy, whatever the environment says (Go's clients do the same). */
const neverProxied = 'localhost,127.0.0.0-127.255.255.255,::1';

/** Keeps connections for `protocol` (`http:` or `https:`) open. */
export function createAgent(protocol: string, settings: ConnectionSettings): http.Agent {
  const options = { keepAlive: true, proxyEnv: proxyEnvironment(settings.proxy) };
  const agent =
    protocol === 'https:'
      ? new https.Agent({ ...options, ...tlsOptions(settings) })
      : new http.Agent(options);
  const { dialTimeoutMs } = settings;
  return dialTimeoutMs === undefined ? agent : withDialTimeout(agent, dialTimeoutMs);
}

function proxyEnvironment(proxy: string | undefined): NodeJS.ProcessEnv {
  if (proxy !== undefined) return { http_proxy: proxy, https_proxy: proxy };
  const excluded = process.env['NO_PROXY'] ?? process.env['no_proxy'];
  return {
    ...process.env,
    NO_PROXY: excluded === undefined ? neverProxied : `${excluded},${neverProxied}`,
    no_proxy: undefined,
  };
}

function tlsOptions({
  verifyTls,
  authorities = [],
  clientCertificates = [],
}: ConnectionSettings): https.AgentOptions {
  const own = {
    cert: clientCertificates.map(({ certificate }) => certificate),
    key: clientCertificates.map(({ key }) => key),
  };
  if (!verifyTls) return { ...own, rejectUnauthorized: false };
  // Node's own list of authorities, and those that the machine's administrator trusts.
  const stores = ['default', 'system'] as const;
  const known = stores.flatMap((store) => tls.getCACertificates(store));
  return { ...own, ca: [...new Set([...known, ...authorities])] };
}

/** Gives a connection up that has not come about in time. */
function withDialTimeout(agent: http.Agent, timeoutMs: number): http.Agent {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback) as Duplex & Partial<net.Socket>; // of node:net, or of node:tls on it
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('dial timeout'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.once('connect', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
    return socket;
  };
  return agent;
}
