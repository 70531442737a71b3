/** Registries that tests start for themselves: one with TLS and passwords, one that sends everybody for a token. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { runOk } from '../harness/command.ts';
import { waitFor } from '../harness/wait.ts';

/** user "user", bcrypt of "secret": what docker-registry's htpasswd takes. */
const passwords = 'user:$2b$04$QteBhK9ggln810YkHDgzAuVlyu7Jhi2LpIOMHRzsIxrvGU1dljks.\n';

/** A port of `address` that nobody has. */
export async function freePort(address: string): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * docker-registry behind TLS, for user "user" with password "secret". `name` is `host:port`, `address` that of the host.
 * The certificate, which vouches for itself, is `cert.pem` in `folder`.
 */
export async function startClosedRegistry(
  folder: string,
  name: string,
  address: string,
): Promise<ChildProcess> {
  const [host = '', port = ''] = name.split(':');
  const file = (last: string) => path.join(folder, last);
  await runOk('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=registry'],
    ...['-keyout', file('key.pem'), '-out', file('cert.pem')],
    ...['-addext', `subjectAltName=DNS:${host}`],
  ]);
  fs.writeFileSync(file('htpasswd'), passwords);
  fs.writeFileSync(
    file('registry.yml'),
    [
      'version: 0.1',
      `storage: { filesystem: { rootdirectory: "${file('storage')}" } }`,
      `http: { addr: "${address}:${port}", tls: { certificate: "${file('cert.pem')}", key: "${file('key.pem')}" } }`,
      `auth: { htpasswd: { realm: tests, path: "${file('htpasswd')}" } }`,
      '',
    ].join('\n'),
  );
  const child = spawn('docker-registry', ['serve', file('registry.yml')], { stdio: 'ignore' });
  await waitFor('the registry to answer', () => accepts(address, Number(port)));
  return child;
}

function accepts(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export interface TokenRegistry {
  /** `127.0.0.1:PORT` */
  address: string;
  /** How each token was asked for: the kind of grant, and the scope. */
  granted: string[];
  stop(): Promise<void>;
}

/** A registry without any images that sends its clients to a token server, which is itself; user and password as above. */
export async function startTokenRegistry(): Promise<TokenRegistry> {
  const granted: string[] = [];
  const server = http.createServer((request, response) => {
    void answer(request, response, granted);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    granted,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  granted: string[],
): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? ''}`);
  const reply = (status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
  const refuse = (message: string, headers?: http.OutgoingHttpHeaders): void =>
    reply(401, { errors: [{ code: 'UNAUTHORIZED', message }] }, headers);
  if (url.pathname === '/token') {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const form = new URLSearchParams(Buffer.concat(parts).toString());
    const basic = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    const isRefresh = form.get('refresh_token') === 'refresh-1';
    if (request.headers.authorization !== basic && !isRefresh) {
      refuse('incorrect username or password');
      return;
    }
    const scope = form.get('scope') ?? url.searchParams.get('scope') ?? '';
    granted.push(`${isRefresh ? 'refresh_token' : 'password'} ${scope}`);
    const wantsIdentity = url.searchParams.get('offline_token') === 'true';
    reply(200, { token: 'granted', ...(wantsIdentity && { refresh_token: 'refresh-1' }) });
  } else if (request.headers.authorization !== 'Bearer granted') {
    const realm = `Bearer realm="http://${url.host}/token",service="tests"`;
    refuse('authentication required', { 'www-authenticate': realm });
  } else if (url.pathname === '/v2/') reply(200, {});
  else reply(404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] });
}
