/** The Engine API without a client library: what goes over the socket is what the tests say. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

export interface ApiAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** Parsed where it is JSON; a list where it is a stream of several values. */
  body: unknown;
}

export class ApiClient {
  readonly #socketPath: string;

  /** `host` is `unix:///…`. */
  constructor(host: string) {
    this.#socketPath = host.replace(/^unix:\/\//, '');
  }

  /** One request, and its whole answer. */
  async call(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    return readAnswer(await this.open(method, path, body));
  }

  /** {@link call} with headers and a body as they are. */
  async send(
    method: string,
    path: string,
    headers: http.OutgoingHttpHeaders,
    body: string,
  ): Promise<ApiAnswer> {
    const request = http.request({
      ...{ socketPath: this.#socketPath, method, path, headers, agent: false },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    // Who is answered before all was sent may find the connection closed.
    request.on('error', () => undefined);
    return readAnswer(response);
  }

  /** One request; resolves with the headers, before the body. */
  async open(
    method: string,
    path: string,
    body?: unknown,
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<http.IncomingMessage> {
    const request = http.request({
      socketPath: this.#socketPath,
      method,
      path,
      agent: false,
      headers: { ...headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return response;
  }

  /** Takes a connection over and resolves after the 101; throws with the answer for anything else. */
  async hijack(path: string, body = ''): Promise<HijackedSocket> {
    const socket = net.connect({ path: this.#socketPath, allowHalfOpen: true });
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    let head = '';
    while (!head.includes('\r\n\r\n')) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      head += chunk.toString('latin1');
    }
    socket.pause();
    const end = head.indexOf('\r\n\r\n') + 4;
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head);
    return { socket, head: head.slice(0, end), first: Buffer.from(head.slice(end), 'latin1') };
  }
}

export interface HijackedSocket {
  socket: net.Socket;
  head: string;
  /** Bytes of the stream that came with the head. */
  first: Buffer;
}

async function readAnswer(response: http.IncomingMessage): Promise<ApiAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const isJson = response.headers['content-type'] === 'application/json' && text !== '';
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: isJson ? parseJson(text) : text,
  };
}

/** One value, or the list of those of a stream: one on each line. */
function parseJson(text: string): unknown {
  const [first = '', ...others] = text.trim().split(/\r?\n/);
  if (others.length === 0 || !first.endsWith('}')) return JSON.parse(text);
  return [first, ...others].map((line) => JSON.parse(line) as unknown);
}

/** The rest of a hijacked stream. */
export async function readToEnd({ socket, first }: HijackedSocket): Promise<Buffer> {
  const chunks = [first];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The payloads of a multiplexed stream, by stream. */
export function demultiplex(bytes: Buffer): { stdout: string; stderr: string } {
  const streams = { stdout: '', stderr: '' };
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes.readUInt32BE(offset + 4);
    const name = bytes[offset] === 1 ? 'stdout' : 'stderr';
    streams[name] += bytes.toString('utf8', offset + 8, offset + 8 + length);
    offset += 8 + length;
  }
  return streams;
}

/** Frames as they came; stream 1 is stdout, 2 stderr. */
export function framesOf(bytes: Buffer): { stream: number | undefined; text: string }[] {
  const frames = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = bytes.readUInt32BE(offset + 4);
    const text = bytes.toString('utf8', offset + 8, offset + 8 + length);
    frames.push({ stream: bytes[offset], text });
    offset += 8 + length;
  }
  return frames;
}
