/**
 * Requests for attach and exec that do not ask for an upgrade, as old clients send them. docker answers 200, and both
 * directions of the connection are raw from then on. node:http leaves a connection to its user only if the request asks
 * for that, so the question is put into the request before node:http reads it:
 *
 *   POST /v1.24/containers/web/attach?stdin=1 HTTP/1.1          POST /v1.24/containers/web/attach?stdin=1 HTTP/1.1
 *   Host: docker                                         ──▶    Connection: Upgrade
 *                                                               Upgrade: docker-hijack
 *                                                               Host: docker
 *
 * Only the first request of a connection is looked at: a client that means to keep the connection sends no such request.
 */
import type http from 'node:http';
import type { Socket } from 'node:net';

/** Value of the Upgrade header that stands for `none`. */
export const plainHijack = 'docker-hijack';

const longestHead = 16 * 1024;
/** As node:http, for clients that do not finish their headers. */
const headTimeoutMs = 60_000;

const hijackingLine =
  /^POST (?:\/v\d+\.\d+)?\/(?:containers\/[^ ?]+\/attach|exec\/[^ ?]+\/start)(?:\?[^ ]*)? HTTP\/1\.[01]\r\n/;

/**
 * Lets `server` see such requests as upgrades of the protocol {@link plainHijack}. `event` is the one with which it
 * begins to read HTTP from a connection. To be called before anybody else listens for it.
 */
export function recognizePlainHijacks(
  server: http.Server,
  event: 'connection' | 'secureConnection',
): void {
  const serve = server.listeners(event) as ((this: http.Server, socket: Socket) => void)[]; // node's own
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    let head: Buffer = Buffer.alloc(0);
    const give = (): void => {
      socket.off('data', take).off('end', refuse).off('error', ignore);
      socket.setTimeout(0).off('timeout', drop);
      if (head.length > 0) socket.unshift(marked(head));
      for (const listener of serve) listener.call(server, socket);
    };
    const take = (chunk: Buffer): void => {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      if (isDecided(head)) give();
    };
    const refuse = (): void => {
      socket.end(head.length > 0 ? 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n' : '');
    };
    const drop = (): void => void socket.destroy();
    socket.on('data', take).once('end', refuse).on('error', ignore);
    socket.setTimeout(headTimeoutMs).once('timeout', drop);
  });
}

function ignore(): void {
  // the connection closes, which is all there is to know
}

/** Whether more of the request would change nothing. */
function isDecided(head: Buffer): boolean {
  const isPost = head.toString('latin1', 0, 5) === 'POST '.slice(0, Math.min(5, head.length));
  return !isPost || head.length > longestHead || head.includes('\r\n\r\n');
}

/** The same bytes, with the question for an upgrade where there was none. */
function marked(head: Buffer): Buffer {
  const end = head.indexOf('\r\n\r\n');
  const text = head.toString('latin1', 0, Math.max(0, end) + 2);
  const line = hijackingLine.exec(text)?.[0];
  if (line === undefined || /\r\nupgrade[ \t]*:/i.test(text)) return head;
  return Buffer.concat([
    head.subarray(0, line.length),
    Buffer.from(`Connection: Upgrade\r\nUpgrade: ${plainHijack}\r\n`),
    head.subarray(line.length),
  ]);
}
