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
import type { WebSocket } from 'ws';

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

/** Answers 200 to a client that did not ask for an upgrade, with the only type that such clients know. */
export function hijackConnection(socket: Socket): HijackedConnection {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${rawStreamType}\r\n\r\n`);
  return { input: socket, output: socket };
}

const rawStreamType = 'application/vnd.docker.raw-stream';

/** Answers a WebSocket's handshake; the client's messages are the input, each write of output is a binary message. */
export async function acceptWebSocket(
  request: IncomingMessage,
  socket: Socket,
): Promise<HijackedConnection> {
  const { WebSocketServer, createWebSocketStream } = await import('ws');
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const webSocket = await new Promise<WebSocket>((resolve) => {
    server.handleUpgrade(request, socket, Buffer.alloc(0), resolve);
  });
  const stream = createWebSocketStream(webSocket);
  stream.on('error', () => undefined); // the client is gone, which whoever uses the stream sees as its close
  return { input: stream, output: stream };
}

/**
 * A stream for clients that ask for attach or exec without Upgrade on a connection that had requests before: the
 * request's body is the input, a response of unknown length the output.
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
