/** A gRPC server on a unix socket for services of the IDL. */
import type { ServerOptions } from 'node:http2';
import net from 'node:net';
import grpc from '@grpc/grpc-js';
import { StackError, messageOf } from '#spec/errors';
import type { AnyMethod, Handlers, Service } from './service.ts';
import { channelOptions } from './channel-options.ts';
import { implementationOf, type BeforeAnswer, type ServerReports } from './handler.ts';

export { requireNamespace } from './handler.ts';

export class GrpcServer {
  private readonly server = toleratingResets(new grpc.Server(channelOptions));
  private readonly reports: ServerReports;
  /** Of a socket that already listened. */
  private listener: net.Server | undefined;

  constructor(reports: ServerReports) {
    this.reports = reports;
  }

  /** Adds a service. Methods without a handler answer UNIMPLEMENTED and say their name. */
  serve<S extends Service>(
    service: S,
    handlers: Partial<Handlers<S>>,
    beforeAnswer?: BeforeAnswer,
  ): void {
    const definition: Record<string, grpc.MethodDefinition<unknown, unknown>> = {};
    const implementation: grpc.UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(service.methods)) {
      const path = `/${service.serviceName}/${method.name}`;
      definition[name] = definitionOf(path, method);
      // Handlers and table have the same keys; a handler's own type is checked where it is passed in.
      const handler = (handlers as Record<string, ((...call: unknown[]) => unknown) | undefined>)[
        name
      ];
      implementation[name] = implementationOf(
        path,
        method,
        handler?.bind(handlers) ?? (() => unimplemented(path)),
        this.reports,
        beforeAnswer,
      );
    }
    this.server.addService(definition, implementation);
  }

  /**
   * Listens on the socket at a path, or on one that already listens. Throws unavailable if it cannot, for example
   * because the path exists.
   */
  async listen(where: string | { path: string } | { fd: number }): Promise<void> {
    if (typeof where === 'object' && 'fd' in where) return this.listenOn(where);
    const path = typeof where === 'string' ? where : where.path;
    await new Promise<void>((resolve, reject) => {
      this.server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) => {
        if (error) {
          reject(
            new StackError('unavailable', `cannot listen on ${path}: ${messageOf(error)}`, {
              cause: error,
            }),
          );
        } else resolve();
      });
    });
  }

  private async listenOn(where: { fd: number }): Promise<void> {
    const injector = this.server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    const listener = net.createServer((socket) => injector.injectConnection(socket));
    this.listener = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(where, resolve);
    });
  }

  /** Takes no more calls, waits `graceMs` for those under way, then cancels them. */
  async close(graceMs = 1000): Promise<void> {
    this.listener?.close();
    const timer = setTimeout(() => this.server.forceShutdown(), graceMs);
    await new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    clearTimeout(timer);
  }
}

/** Streams that a client may reset on one connection: as many as it likes. */
const unlimitedResets = Number.MAX_SAFE_INTEGER;

/**
 * containerd's Go client reads blobs in pieces of 32 KiB, each by a stream that it resets; Node takes a thousand resets for
 * an attack and closes the connection. grpc-js has no option for that, so what it passes to http2.createServer is changed.
 */
function toleratingResets(server: grpc.Server): grpc.Server {
  const { commonServerOptions } = server as unknown as { commonServerOptions: ServerOptions };
  Object.assign(commonServerOptions, {
    streamResetBurst: unlimitedResets,
    streamResetRate: unlimitedResets,
  } satisfies ServerOptions);
  return server;
}

function definitionOf(path: string, method: AnyMethod): grpc.MethodDefinition<unknown, unknown> {
  return {
    path,
    requestStream: method.kind === 'bidi',
    responseStream: method.kind !== 'unary',
    // gRPC hands back what a handler or caller of this method gave it.
    requestSerialize: (message) => method.request.encode(message as object),
    requestDeserialize: (data) => method.request.decode(data) as unknown,
    responseSerialize: (message) => method.response.encode(message as object),
    responseDeserialize: (data) => method.response.decode(data) as unknown,
  };
}

function unimplemented(path: string): never {
  throw new StackError('unimplemented', `method ${path} is not implemented`);
}
