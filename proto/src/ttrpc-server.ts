/** A ttrpc server: unary calls on unix sockets, each answered when it is done. Loads no gRPC. */
import net from 'node:net';
import { StackError, messageOf } from '#spec/errors';
import { Request, Response } from './generated/ttrpc.ts';
import { leaseKey, namespaceKey, ttrpcNamespaceKey } from './metadata.ts';
import type { AnyMethod, CallContext, Handlers, Service } from './service.ts';
import { statusOf } from './status.ts';
import {
  FrameReader,
  encodeFrame,
  frameFlags,
  frameTypes,
  tooLong,
  type Frame,
  type OversizeFrame,
} from './ttrpc-frame.ts';

type Handler = (request: unknown, context: CallContext) => Promise<object>;
interface Registration {
  method: AnyMethod;
  handler: Handler;
}

/** Who is told about what goes on in a server; as in handler.ts, which loads gRPC. */
export interface TtrpcServerReports {
  /** Told about every error that is not an expected one: those are bugs. */
  reportBug: (error: unknown, path: string) => void;
  /** Told about every call that ended: its path (`package.Service/Method`), and how long it took. */
  reportCall?: ((path: string, durationMs: number) => void) | undefined;
}

export class TtrpcServer {
  private readonly registrations = new Map<string, Registration>();
  private readonly services = new Set<string>();
  private readonly connections = new Set<net.Socket>();
  private readonly server = net.createServer((socket) => this.accept(socket));
  private readonly reports: TtrpcServerReports;

  constructor(reports: TtrpcServerReports) {
    this.reports = reports;
  }

  /** Adds a service whose methods are all unary. Methods without a handler answer UNIMPLEMENTED. */
  serve<S extends Service>(service: S, handlers: Partial<Handlers<S>>): void {
    this.services.add(service.serviceName);
    for (const [name, method] of Object.entries(service.methods)) {
      // Handlers and table have the same keys; a handler's own type is checked where it is passed in.
      const handler = (handlers as Record<string, Handler | undefined>)[name];
      if (handler === undefined) continue;
      const path = `${service.serviceName}/${method.name}`;
      this.registrations.set(path, { method, handler: handler.bind(handlers) });
    }
  }

  /** Listens on a path, or on a socket that already listens (`{ fd }`). Throws what node:net throws. */
  async listen(where: { path: string } | { fd: number }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(where, () => {
        this.server.removeListener('error', reject);
        resolve();
      });
    });
  }

  /** Stops listening and ends every connection. */
  close(): void {
    this.server.close();
    for (const socket of this.connections) socket.destroy();
  }

  private accept(socket: net.Socket): void {
    this.connections.add(socket);
    const frames = new FrameReader();
    const gone = new AbortController();
    let lastStreamId = 0;
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) {
        const { streamId } = frame;
        if (frame.type !== frameTypes.request) continue; // data of a stream that was refused
        if (streamId % 2 === 0 || streamId <= lastStreamId) {
          respond(socket, streamId, refusal('stream ids of requests are odd and increase'));
          continue;
        }
        lastStreamId = streamId;
        void this.handle(frame, gone.signal).then((response) =>
          respond(socket, streamId, response),
        );
      }
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this.connections.delete(socket);
      gone.abort(new StackError('cancelled', 'the caller went away'));
    });
  }

  /** The answer to a request, whatever happens: this never throws. */
  private async handle(frame: Frame | OversizeFrame, gone: AbortSignal): Promise<Buffer> {
    const startedMs = performance.now();
    let path = '';
    try {
      if ('oversize' in frame) throw new StackError('resource_exhausted', tooLong(frame.oversize));
      const request = Request.decode(frame.data);
      path = `${request.service}/${request.method}`;
      const { method, handler } = this.find(request);
      if (frame.flags & frameFlags.remoteOpen) {
        throw new StackError('unimplemented', `${path} is not a stream`);
      }
      const message: unknown = method.request.decode(request.payload);
      const payload = await withTimeout(request.timeoutNano / 1e6, gone, (signal) =>
        handler(message, contextOf(request, signal)),
      );
      return Response.encode({ payload: method.response.encode(payload) });
    } catch (error) {
      if (!(error instanceof StackError)) this.reports.reportBug(error, path);
      const { code, message } = statusOf(error);
      return Response.encode({ status: { code, message } });
    } finally {
      this.reports.reportCall?.(path, performance.now() - startedMs);
    }
  }

  private find({ service, method }: Request): Registration {
    const found = this.registrations.get(`${service}/${method}`);
    if (found) return found;
    throw new StackError(
      'unimplemented',
      this.services.has(service) ? `method ${service}/${method}` : `service ${service}`,
    );
  }
}

function refusal(message: string): Buffer {
  return Response.encode({ status: { code: 3, message } });
}

function respond(socket: net.Socket, streamId: number, response: Buffer): void {
  if (socket.destroyed) return;
  let frame: Buffer;
  try {
    frame = encodeFrame({ streamId, type: frameTypes.response, flags: 0, data: response });
  } catch (error) {
    const status = { code: statusOf(error).code, message: messageOf(error) };
    const data = Response.encode({ status });
    frame = encodeFrame({ streamId, type: frameTypes.response, flags: 0, data });
  }
  socket.write(frame);
}

function contextOf(request: Request, signal: AbortSignal): CallContext {
  const metadata: Record<string, string> = {};
  for (const { key, value } of request.metadata) metadata[key.toLowerCase()] ??= value;
  return {
    namespace: metadata[ttrpcNamespaceKey] ?? metadata[namespaceKey] ?? '',
    lease: metadata[leaseKey],
    signal,
    metadata,
  };
}

/** Runs `action`; after `timeoutMs` (0: never) its signal is aborted and the caller is told. */
async function withTimeout<T>(
  timeoutMs: number,
  gone: AbortSignal,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutMs <= 0) return action(gone);
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new StackError('deadline_exceeded', 'context deadline exceeded');
      late.abort(error);
      reject(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([action(AbortSignal.any([gone, late.signal])), expired]);
  } finally {
    clearTimeout(timer);
  }
}
