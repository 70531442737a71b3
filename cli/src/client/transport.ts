/** How bytes reach a daemon: a socket, TCP with TLS or without, or ssh. */
import http from 'node:http';
import type { AgentOptions } from 'node:https';
import net, { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Endpoint } from './endpoint.ts';
import { ProgramConnection } from './ssh-connection.ts';
import { sshArguments } from './ssh-target.ts';
import type { TlsOptions } from './tls-options.ts';

export interface Transport {
  agent: http.Agent;
  request: (options: http.RequestOptions) => http.ClientRequest;
}

/** TLS is loaded where it is spoken. */
export async function openTransport(endpoint: Endpoint): Promise<Transport> {
  if ('ssh' in endpoint) {
    const agent = new ProgramAgent('ssh', sshArguments(endpoint.ssh));
    return { agent, request: (options) => http.request(options) };
  }
  if ('socketPath' in endpoint || !endpoint.tls) {
    const agent = new http.Agent({ keepAlive: true });
    return { agent, request: (options) => http.request(options) };
  }
  const { default: https } = await import('node:https');
  const options = certificates(endpoint.tls);
  const agent = new https.Agent({ keepAlive: true, ...options });
  return { agent, request: (more) => https.request({ ...options, ...more }) };
}

/** Where a request goes, in the words of node:http. */
export function addressOf(endpoint: Endpoint): http.RequestOptions & { servername: string } {
  // For TLS only; left out, node:http finds it with a regular expression that takes 5 ms to compile.
  const servername = serverNameOf(endpoint);
  if ('ssh' in endpoint) return { servername, host: 'engine' };
  return 'socketPath' in endpoint
    ? { servername, socketPath: endpoint.socketPath, host: 'engine' }
    : { servername, host: endpoint.hostname, port: endpoint.port };
}

/** One connection without HTTP on it. Rejects with what the kernel, TLS or ssh says. */
export async function dial(endpoint: Endpoint): Promise<Duplex> {
  if ('ssh' in endpoint) return new ProgramConnection('ssh', sshArguments(endpoint.ssh));
  const open = async (): Promise<[net.Socket, string]> => {
    if ('socketPath' in endpoint) return [net.connect(endpoint.socketPath), 'connect'];
    const { hostname: host, port } = endpoint;
    if (!endpoint.tls) return [net.connect(port, host), 'connect'];
    const { default: tls } = await import('node:tls');
    const servername = serverNameOf(endpoint);
    const options = { host, port, servername, ...certificates(endpoint.tls) };
    return [tls.connect(options), 'secureConnect'];
  };
  const [socket, ready] = await open();
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(ready, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Calls through a program's stdin and stdout. */
class ProgramAgent extends http.Agent {
  readonly #program: string;
  readonly #args: readonly string[];

  constructor(program: string, args: readonly string[]) {
    super({ keepAlive: true });
    this.#program = program;
    this.#args = args;
  }

  override createConnection(): Duplex {
    return new ProgramConnection(this.#program, this.#args);
  }
}

function certificates({ verify, ca, cert, key }: TlsOptions): AgentOptions {
  return {
    rejectUnauthorized: verify,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

/** Whose certificate a daemon must have; an address is checked by itself and is no server name (RFC 6066). */
function serverNameOf(endpoint: Endpoint): string {
  return 'tls' in endpoint && endpoint.tls && !isIP(endpoint.hostname) ? endpoint.hostname : '';
}
