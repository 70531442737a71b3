/**
 * Connections that stop being HTTP: attach and exec turn into two raw byte streams.
 *
 *   client                                   engined
 *     POST …/attach, Upgrade: tcp    ──▶
 *                                    ◀──    101 UPGRADED
 *     stdin bytes … FIN              ──▶
 *                                    ◀──    output bytes … FIN
 *
 * node:http ends an upgraded request with an empty body and hands out the body's bytes as the first of the
 * connection, so they are separated here by Content-Length or chunked coding.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { StackError } from '#spec/errors';

/** Largest body of an upgraded request: exec start sends a few dozen bytes. */
const maximumBodyBytes = 1024 * 1024;

export interface HijackedConnection {
  /** What the client sends; ends when it closes its direction, which leaves the other open. */
  readonly input: Readable;
  /** What the client receives; ending it is how the client learns that the stream is over. */
  readonly output: Writable;
}

/** Answers 101 on an upgraded connection and returns it. */
export function upgradeConnection(
  socket: Socket,
  contentType: string,
  headers: Readonly<Record<string, string>>,
): HijackedConnection {
  const lines = Object.entries({
    'Content-Type': contentType,
    Connection: 'Upgrade',
    Upgrade: 'tcp',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 UPGRADED\r\n${lines.join('')}\r\n`);
  return { input: socket, output: socket };
}

/**
 * A stream for clients that ask for attach or exec without Upgrade: the rest of the request's body is the input,
 * a response of unknown length the output.
 */
export function streamWithoutUpgrade(
  request: IncomingMessage,
  response: ServerResponse,
  contentType: string,
): HijackedConnection {
  response.writeHead(200, { 'Content-Type': contentType });
  response.flushHeaders();
  return { input: request, output: response };
}

/**
 * The body of an upgraded request, read from the connection; what follows it stays in `socket`.
 * Throws invalid_argument for a length or a chunk that is malformed or too large, or a connection that ends early.
 */
export async function readUpgradedBody(request: IncomingMessage, socket: Socket): Promise<Buffer> {
  if (request.headers['transfer-encoding'] !== undefined) return readChunkedBody(socket);
  const length = Number(request.headers['content-length'] ?? 0);
  if (!Number.isSafeInteger(length) || length < 0 || length > maximumBodyBytes) {
    throw new StackError('invalid_argument', `content length ${length} is not accepted here`);
  }
  return length === 0 ? Buffer.alloc(0) : readExactly(socket, length);
}

async function readChunkedBody(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (true) {
    const line = await readLine(socket);
    const length = /^[0-9a-f]{1,8}(?=;|$)/i.exec(line)?.[0];
    if (length === undefined)
      throw new StackError('invalid_argument', 'malformed chunk in request');
    const bytes = Number.parseInt(length, 16);
    size += bytes;
    if (size > maximumBodyBytes) throw new StackError('invalid_argument', 'request body too large');
    if (bytes === 0) break;
    chunks.push(await readExactly(socket, bytes));
    await readExactly(socket, 2); // the chunk's own CRLF
  }
  while ((await readLine(socket)) !== '') continue; // trailers
  return Buffer.concat(chunks);
}

async function readLine(socket: Socket): Promise<string> {
  let line = '';
  while (!line.endsWith('\r\n')) {
    if (line.length > 4096) throw new StackError('invalid_argument', 'chunk header too long');
    line += (await readExactly(socket, 1)).toString('latin1');
  }
  return line.slice(0, -2);
}

/** Exactly `length` bytes; the rest of what arrived is put back. */
function readExactly(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let missing = length;
    const take = (): void => {
      while (missing > 0) {
        const chunk = socket.read() as Buffer | null;
        if (chunk === null) return;
        chunks.push(chunk.subarray(0, missing));
        if (chunk.length > missing) socket.unshift(chunk.subarray(missing));
        missing -= Math.min(missing, chunk.length);
      }
      finish();
      resolve(Buffer.concat(chunks));
    };
    const fail = (): void => {
      finish();
      reject(new StackError('invalid_argument', 'connection ended inside the request body'));
    };
    const finish = (): void => {
      socket.off('readable', take).off('end', fail).off('close', fail);
    };
    socket.on('readable', take).on('end', fail).on('close', fail);
    take();
  });
}
