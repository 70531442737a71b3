/**
 * Connections that stop being HTTP: attach and exec turn into two raw byte streams.
 *
 *   client                                   engined
 *     POST …/attach, Upgrade: tcp    ──▶
 *                                    ◀──    101 UPGRADED
 *     stdin bytes … FIN              ──▶
 *                                    ◀──    output bytes … FIN
 *
 * The request may have a body (exec start has), which node:http reads as that of any request before the connection's
 * bytes begin (since Node 24.10; earlier ones gave the body out as the connection's first bytes).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

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
