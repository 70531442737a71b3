/** A gRPC client for any service of the IDL: callbacks become promises, statuses become StackErrors. */
import grpc from '@grpc/grpc-js';
import { StackError } from '#spec/errors';
import type { AnyMethod, BidiCall, CallOptions, Client, Service } from './service.ts';
import { leaseKey, namespaceKey } from './metadata.ts';
import { channelOptions } from './channel-options.ts';
import { errorKindKey, errorOf } from './status.ts';

/** A connection, shared by the clients made with it. */
export class GrpcChannel {
  private readonly client: grpc.Client;
  private readonly namespace: string;

  /** Connects when first used. `address` is a socket's path or `unix://` and a path. */
  constructor(address: string, defaults: { namespace: string }) {
    this.client = new grpc.Client(
      `unix:${address.replace(/^unix:(\/\/)?/, '')}`,
      grpc.credentials.createInsecure(),
      {
        ...channelOptions,
        'grpc.enable_http_proxy': 0,
        'grpc.use_local_subchannel_pool': 1,
        'grpc.service_config_disable_resolution': 1,
        'grpc.initial_reconnect_backoff_ms': 50,
        'grpc.min_reconnect_backoff_ms': 50,
        'grpc.max_reconnect_backoff_ms': 2000,
      },
    );
    this.namespace = defaults.namespace;
  }

  /** The methods of `service`, typed. */
  clientOf<S extends Service>(service: S): Client<S> {
    const methods = Object.entries(service.methods).map(([name, method]) => {
      const path = `/${service.serviceName}/${method.name}`;
      return [name, this.methodOf(path, method)];
    });
    return Object.fromEntries(methods) as Client<S>; // methodOf makes what each method's kind demands
  }

  /** Ends all calls. */
  close(): void {
    this.client.close();
  }

  private methodOf(path: string, method: AnyMethod): unknown {
    switch (method.kind) {
      case 'unary':
        return (request: object, options?: CallOptions) =>
          this.unary(path, method, request, options);
      case 'server_stream':
        return (request: object, options?: CallOptions) =>
          this.serverStream(path, method, request, options);
      case 'bidi':
        return (options?: CallOptions) => this.bidi(path, method, options);
    }
  }

  private unary(
    path: string,
    method: AnyMethod,
    request: object,
    options: CallOptions = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { encode, decode } = codec(method);
      const call = this.client.makeUnaryRequest<object, unknown>(
        path,
        encode,
        decode,
        request,
        this.metadata(options),
        callOptions(options),
        (error, response) => {
          stopListening();
          if (error) reject(fromServiceError(error));
          else resolve(response);
        },
      );
      const stopListening = cancelOnAbort(call, options.signal);
    });
  }

  private async *serverStream(
    path: string,
    method: AnyMethod,
    request: object,
    options: CallOptions = {},
  ): AsyncGenerator {
    const { encode, decode } = codec(method);
    const call = this.client.makeServerStreamRequest<object, unknown>(
      path,
      encode,
      decode,
      request,
      this.metadata(options),
      callOptions(options),
    );
    yield* received(call, options.signal);
  }

  private bidi(
    path: string,
    method: AnyMethod,
    options: CallOptions = {},
  ): BidiCall<object, unknown> {
    const { encode, decode } = codec(method);
    const call = this.client.makeBidiStreamRequest<object, unknown>(
      path,
      encode,
      decode,
      this.metadata(options),
      callOptions(options),
    );
    const failure = new Promise<never>((_resolve, reject) => {
      call.once('error', (error: grpc.ServiceError) => reject(fromServiceError(error)));
    });
    failure.catch(() => undefined); // whoever reads or writes next is told
    return {
      write: (message: object) =>
        Promise.race([
          failure,
          new Promise<void>((resolve) => {
            call.write(message, () => resolve());
          }),
        ]),
      end: () => call.end(),
      cancel: () => call.cancel(),
      [Symbol.asyncIterator]: () => received(call, options.signal),
    };
  }

  private metadata(options: CallOptions): grpc.Metadata {
    const metadata = new grpc.Metadata();
    metadata.set(namespaceKey, options.namespace ?? this.namespace);
    if (options.lease !== undefined) metadata.set(leaseKey, options.lease);
    for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
    return metadata;
  }
}

function codec({ request, response }: AnyMethod): {
  encode: (message: object) => Buffer;
  decode: (data: Buffer) => unknown;
} {
  return {
    encode: (message) => request.encode(message),
    decode: (data) => response.decode(data) as unknown,
  };
}

/** Messages until the server ends; leaving the loop early cancels the call. */
async function* received(
  call: grpc.ClientReadableStream<unknown> | grpc.ClientDuplexStream<unknown, unknown>,
  signal: AbortSignal | undefined,
): AsyncGenerator {
  const stopListening = cancelOnAbort(call, signal);
  let ended = false;
  call.once('end', () => (ended = true));
  try {
    yield* call;
  } catch (error) {
    ended = true;
    throw fromServiceError(error as grpc.ServiceError); // gRPC streams fail with nothing else
  } finally {
    stopListening();
    if (!ended) {
      call.on('error', () => undefined); // the cancellation that follows is our own wish
      call.cancel();
    }
  }
}

function callOptions({ deadlineMs }: CallOptions): grpc.CallOptions {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  if (!signal) return () => undefined;
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  return () => signal.removeEventListener('abort', cancel);
}

function fromServiceError(error: grpc.ServiceError): Error {
  if (error instanceof StackError || typeof error.code !== 'number') return error;
  const kind = error.metadata.get(errorKindKey)[0];
  return errorOf(error.code, error.details, typeof kind === 'string' ? kind : undefined);
}
