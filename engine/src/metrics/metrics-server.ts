/** `--metrics-addr`: metrics on a TCP port of their own, where everybody who reaches it may read them. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#lib/log/logger';
import { messageOf, StackError } from '#spec/errors';

/** Serves what `expose` returns at `/metrics`. Throws conflict when the address cannot be had. Returns how to stop. */
export async function serveMetrics(
  address: string,
  expose: () => string,
  logger: Logger,
): Promise<() => void> {
  const { host, port } = parseMetricsAddress(address);
  const server = http.createServer((request, response) => {
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response
        .writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' })
        .end('404 page not found\n');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(expose());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const reason = `failed to start metrics server: listen tcp ${address}: ${messageOf(error)}`;
      reject(new StackError('conflict', reason, { cause: error }));
    });
    server.listen({ port, ...(host !== '' && { host }) }, resolve);
  });
  const { port: bound } = server.address() as AddressInfo; // a TCP server has one
  logger.info('metrics API listening', { address: `${host}:${bound}` });
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** `host:port`; without a host on all addresses. Throws invalid_argument. */
export function parseMetricsAddress(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d{1,5})$/.exec(text) ?? [];
  if (port === '' || Number(port) > 65535) {
    throw new StackError(
      'invalid_argument',
      `invalid metrics address "${text}": it is not host:port`,
    );
  }
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
}
