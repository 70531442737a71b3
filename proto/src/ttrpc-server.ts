/** A ttrpc server: unary calls on unix sockets, each answered when it is done. Loads no gRPC. */
import net from 'node:net';
import { StackError } from '#spec/errors';
import { Response, type Request } from './generated/ttrpc.ts';
import { leaseKey, namespaceKey, ttrpcNamespaceKey } from './metadata.ts';
import type { AnyMethod, CallContext, Handlers, Service } from './service.ts';
import { TtrpcConnection, failure, type ConnectionHandover } from './ttrpc-connection.ts';
import { frameFlags } from './ttrpc-frame.ts';

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
  private readonly connections = new Set<TtrpcConnection>();
  private readonly server = net.createServer((socket) => this.accept(socket));
  private readonly reports: TtrpcServerReports;
  /** Set while suspended. */
  private isRepeatable: ((path: string) => boolean) | undefined;

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
    for (const connection of this.connections) connection.destroy();
  }

  /**
   * Takes no more calls and resolves when those under way were answered, but those of methods that `isRepeatable`:
   * a successor of this process carries them out again.
   */
  async suspend(isRepeatable: (path: string) => boolean): Promise<void> {
    this.isRepeatable = isRepeatable;
    await Promise.all([...this.connections].map((connection) => connection.suspend(isRepeatable)));
  }

  /** Its socket and connections, for {@link adopt}; to be called when it is suspended. Everything stays open. */
  handOver(): { listening: number; connections: ConnectionHandover[] } {
    // Node shows the descriptor of a listening socket nowhere else.
    const { fd } = (this.server as unknown as { _handle: { fd: number } })._handle;
    const connections = [...this.connections].map((connection) => connection.handOver());
    return { listening: fd, connections: connections.filter((handover) => handover !== undefined) };
  }

  /** Goes on with a connection that a predecessor had. */
  adopt({ fd, received }: ConnectionHandover): void {
    this.accept(new net.Socket({ fd, readable: true, writable: true })).receive(received);
  }

  private accept(socket: net.Socket): TtrpcConnection {
    const connection = new TtrpcConnection(socket, (request, flags, gone) =>
      this.handle(request, flags, gone),
    );
    this.connections.add(connection);
    socket.on('close', () => this.connections.delete(connection));
    if (this.isRepeatable) void connection.suspend(this.isRepeatable);
    return connection;
  }

  /** The answer to a request, whatever happens: this never throws. */
  private async handle(request: Request, flags: number, gone: AbortSignal): Promise<Buffer> {
    const startedMs = performance.now();
    const path = `${request.service}/${request.method}`;
    try {
      const { method, handler } = this.find(request);
      if (flags & frameFlags.remoteOpen) {
        throw new StackError('unimplemented', `${path} is not a stream`);
      }
      const message: unknown = method.request.decode(request.payload);
      const payload = await withTimeout(request.timeoutNano / 1e6, gone, (signal) =>
        handler(message, contextOf(request, signal)),
      );
      return Response.encode({ payload: method.response.encode(payload) });
    } catch (error) {
      if (!(error instanceof StackError)) this.reports.reportBug(error, path);
      return failure(error);
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
