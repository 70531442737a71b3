/** The API server: node:http on any number of unix and TCP sockets, requests to routes, errors to JSON. */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Logger } from '#lib/log/logger';
import { messageOf, StackError } from '#spec/errors';
import { negotiateApiVersion, newestApiVersion, VersionTooOldError } from './api-version.ts';
import { errorResponse } from './error-response.ts';
import type { ApiListener } from './api-listeners.ts';
import {
  acceptWebSocket,
  hijackConnection,
  streamWithoutUpgrade,
  upgradeConnection,
} from './hijack.ts';
import { listenOn } from './listener.ts';
import { plainHijack, recognizePlainHijacks } from './plain-hijack.ts';
import { Query } from './query.ts';
import { ApiRequest } from './request.ts';
import { HttpApiResponse, type ApiResponse } from './response.ts';
import { parseTarget, type ParsedTarget } from './request-target.ts';
import { Router, type Route, type RouteMatch } from './router.ts';

export interface ApiServerOptions {
  routes: readonly Route[];
  /** Version of this engine, for the `Server` header. */
  version: string;
  logger: Logger;
  /** Hears of every call whose handler is done, by the path of its route. */
  reportCall?: (route: string) => void;
}

export class ApiServer {
  readonly #router: Router;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #logger: Logger;
  readonly #reportCall: ((route: string) => void) | undefined;
  readonly #servers: http.Server[] = [];
  /** Those that stopped being HTTP are not among the server's own. */
  readonly #connections = new Set<Socket>();

  constructor({ routes, version, logger, reportCall }: ApiServerOptions) {
    this.#router = new Router(routes);
    this.#logger = logger;
    this.#reportCall = reportCall;
    this.#headers = {
      'Api-Version': newestApiVersion,
      'Docker-Experimental': 'false',
      Ostype: 'linux',
      Server: `Docker/${version} (linux)`,
    };
  }

  /** Starts to accept connections. Throws conflict when another process answers there. */
  async listen({ listener, tls }: ApiListener): Promise<void> {
    const options: http.ServerOptions = {
      // A build context or an image may take hours to arrive.
      requestTimeout: 0,
      keepAliveTimeout: 120_000,
      // As Go's server. Credentials for many registries come in one header.
      maxHeaderSize: 1 << 20,
      shouldUpgradeCallback: (request) => {
        const { upgrade } = request.headers;
        const hijacks = this.#match(request)?.route.hijacks;
        if (hijacks === 'webSocket') return upgrade?.toLowerCase() === 'websocket';
        return hijacks === 'raw' && (upgrade === 'tcp' || upgrade === plainHijack);
      },
    };
    // A client ends its input by closing its direction, under TLS too.
    const server = tls
      ? https.createServer({ ...options, ...tls, ...{ allowHalfOpen: true } })
      : http.createServer(options);
    server.on('tlsClientError', (error: Error, { remoteAddress }: Socket) => {
      this.#logger.info('TLS handshake failed', { remoteAddress, error: messageOf(error) });
    });
    recognizePlainHijacks(server, tls ? 'secureConnection' : 'connection');
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    server.on('request', (request, response) => void this.#answer(request, response));
    server.on('upgrade', (request, stream, head) => {
      // node:http types the connection as Duplex; it is a socket, or TLS over one, which is a socket too.
      void this.#answerUpgrade(request, stream as Socket, head);
    });
    await listenOn(server, listener);
    this.#servers.push(server);
  }

  /** Stops to accept connections and ends those that are open, streams included. */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            for (const socket of this.#connections) socket.destroy();
          }),
      ),
    );
  }

  #match(request: http.IncomingMessage): RouteMatch | undefined {
    const target = parseTarget(request.url ?? '');
    if (target.kind !== 'target') return undefined;
    return this.#router.match(request.method ?? '', target.path);
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.#addHeaders(response);
    await this.#run(
      request,
      response,
      request,
      new HttpApiResponse(response, {
        raw: (contentType) => streamWithoutUpgrade(request, response, contentType),
        webSocket: () => {
          throw new StackError('invalid_argument', 'this request needs "Upgrade: websocket"');
        },
      }),
    );
  }

  async #answerUpgrade(request: http.IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', ignoreResets);
    if (head.length > 0) socket.unshift(head);
    // Answers that are not 101 (no such container) are ordinary ones on a connection that ends with them.
    const response = new http.ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on('finish', () => socket.end());
    this.#addHeaders(response);
    await this.#run(
      request,
      response,
      request,
      new HttpApiResponse(response, {
        raw: (contentType) => {
          response.detachSocket(socket);
          request.resume(); // a body that nobody wanted would stand before the stream
          if (request.headers.upgrade === plainHijack) return hijackConnection(socket);
          return upgradeConnection(socket, contentType, this.#headers);
        },
        webSocket: () => {
          response.detachSocket(socket);
          return acceptWebSocket(request, socket);
        },
      }),
    );
  }

  async #run(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    body: Readable,
    answer: ApiResponse,
  ): Promise<void> {
    const startedAt = performance.now();
    let route = '';
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const target = parseTarget(request.url ?? '');
      if (target.kind !== 'target') {
        answerOddTarget(target, answer);
        return;
      }
      const found = this.#router.match(request.method ?? '', target.path);
      if (!found) {
        answer.json(404, { message: 'page not found' });
        return;
      }
      route = found.route.path;
      const version = negotiateApiVersion(found.version);
      await found.route.handler(
        new ApiRequest({
          method: request.method ?? '',
          version,
          query: new Query(target.search),
          parameters: found.parameters,
          headers: request.headers,
          body,
          signal: gone.signal,
        }),
        answer,
      );
    } catch (error) {
      if (gone.signal.aborted) return; // nobody is left to be told
      if (error instanceof VersionTooOldError) {
        // Clients of that age print what they get.
        answer.text(400, `${error.message}\n`);
        return;
      }
      this.#fail(request, response, error);
    } finally {
      this.#reportCall?.(route);
      this.#logger.debug('call', {
        call: `${request.method ?? ''} ${request.url ?? ''}`,
        status: response.statusCode,
        durationMs: performance.now() - startedAt,
      });
    }
  }

  #fail(request: http.IncomingMessage, response: http.ServerResponse, error: unknown): void {
    const { status, body, unexpected } = errorResponse(error);
    this.#logger[unexpected ? 'error' : 'debug']('request failed', {
      method: request.method,
      url: request.url,
      status,
      error: unexpected ? error : messageOf(error),
    });
    if (response.headersSent || response.writableEnded || !response.socket) {
      response.destroy(); // a stream that breaks off is how its reader learns of the failure
      return;
    }
    const never = (): never => {
      throw new Error('an error is not a stream');
    };
    const answer = new HttpApiResponse(response, { raw: never, webSocket: never });
    if (body) answer.json(status, body);
    else answer.empty(status);
  }

  #addHeaders(response: http.ServerResponse): void {
    for (const [name, value] of Object.entries(this.#headers)) response.setHeader(name, value);
  }
}

function answerOddTarget(
  target: Exclude<ParsedTarget, { kind: 'target' }>,
  answer: ApiResponse,
): void {
  switch (target.kind) {
    case 'redirect':
      answer.header('Location', target.location);
      answer.empty(301);
      return;
    case 'malformed':
      answer.text(400, '400 Bad Request');
      return;
    case 'too long':
      answer.text(414, '414 URI Too Long');
      return;
    case 'unknown':
      answer.json(404, { message: 'page not found' });
  }
}

function ignoreResets(): void {
  // a client that goes away resets its connection; whoever uses the stream sees it close
}
