/** A ttrpc client: unary calls over one unix socket, answered in any order. Loads no gRPC. */
import net from 'node:net';
import { StackError, messageOf } from '#spec/errors';
import { Request, Response } from './generated/ttrpc.ts';
import { namespaceKey, ttrpcNamespaceKey } from './metadata.ts';
import type { AnyMethod, CallOptions, Client, Service } from './service.ts';
import { errorOf } from './status.ts';
import {
  FrameReader,
  encodeFrame,
  frameTypes,
  tooLong,
  type Frame,
  type OversizeFrame,
} from './ttrpc-frame.ts';

interface PendingCall {
  resolve(payload: Buffer): void;
  reject(error: Error): void;
}

const lastStreamId = 0xffff_ffff;

/** A connection. Once it is lost every call fails with unavailable; make a new one to try again. */
export class TtrpcClient {
  /** Resolves with the reason when the connection is lost, could not be made, or was closed. */
  readonly closed: Promise<StackError>;
  private readonly socket: net.Socket;
  private readonly namespace: string;
  private readonly pending = new Map<number, PendingCall>();
  private readonly frames = new FrameReader();
  private readonly address: string;
  private nextStreamId = 1;
  private failure: StackError | undefined;
  private resolveClosed: (failure: StackError) => void = () => undefined;

  /** Connects at once; `address` is a socket's path or `unix://` and a path. */
  constructor(address: string, defaults: { namespace: string }) {
    this.address = address.replace(/^unix:(\/\/)?/, '');
    this.namespace = defaults.namespace;
    this.closed = new Promise((resolve) => (this.resolveClosed = resolve));
    this.socket = net.connect(this.address);
    this.socket.on('data', (chunk: Buffer) => this.receive(chunk));
    this.socket.on('error', (error) =>
      this.fail(`cannot reach ${this.address}: ${messageOf(error)}`, error),
    );
    this.socket.on('close', () => this.fail(`connection to ${this.address} was closed`));
  }

  /** The methods of `service`, typed. Streams are not part of it: their methods throw unimplemented. */
  clientOf<S extends Service>(service: S): Client<S> {
    const methods = Object.entries(service.methods).map(([name, method]) => [
      name,
      (request: object, options?: CallOptions) =>
        this.call(service.serviceName, method, request, options),
    ]);
    return Object.fromEntries(methods) as Client<S>; // every service spoken over ttrpc here is unary
  }

  /** Whether calls can still succeed. */
  get connected(): boolean {
    return this.failure === undefined;
  }

  /** Calls under way fail with unavailable. */
  close(): void {
    this.socket.destroy();
    this.fail(`connection to ${this.address} was closed`);
  }

  /** Lets the process end although the connection is open. */
  unref(): void {
    this.socket.unref();
  }

  private async call(
    service: string,
    method: AnyMethod,
    request: object,
    options: CallOptions = {},
  ): Promise<unknown> {
    if (method.kind !== 'unary') {
      throw new StackError('unimplemented', `${service}/${method.name} is a stream`);
    }
    if (this.failure) throw this.failure;
    options.signal?.throwIfAborted();
    const streamId = this.nextStreamId;
    if (streamId > lastStreamId) throw new StackError('unavailable', 'no stream ids are left');
    const data = Request.encode({
      service,
      method: method.name,
      payload: method.request.encode(request),
      timeoutNano: Math.round((options.deadlineMs ?? 0) * 1e6),
      metadata: this.metadata(options),
    });
    const frame = encodeFrame({ streamId, type: frameTypes.request, flags: 0, data });
    this.nextStreamId += 2;
    const payload = await this.exchange(streamId, frame, `${service}/${method.name}`, options);
    return method.response.decode(payload) as unknown;
  }

  private exchange(
    streamId: number,
    frame: Buffer,
    name: string,
    { deadlineMs, signal }: CallOptions,
  ): Promise<Buffer> {
    return new Promise<Buffer>((resolve, reject) => {
      const giveUp = (error: StackError) => {
        this.pending.delete(streamId);
        settle();
        reject(error);
      };
      const timer =
        deadlineMs === undefined
          ? undefined
          : setTimeout(
              () =>
                giveUp(
                  new StackError('deadline_exceeded', `${name}: no answer in ${deadlineMs} ms`),
                ),
              deadlineMs,
            );
      const abort = () => giveUp(new StackError('cancelled', `${name}: given up`));
      signal?.addEventListener('abort', abort, { once: true });
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      this.pending.set(streamId, {
        resolve: (payload) => {
          settle();
          resolve(payload);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.socket.write(frame);
    });
  }

  private metadata(options: CallOptions): { key: string; value: string }[] {
    const namespace = options.namespace ?? this.namespace;
    return Object.entries({
      [ttrpcNamespaceKey]: namespace,
      [namespaceKey]: namespace,
      ...options.metadata,
    }).map(([key, value]) => ({ key, value }));
  }

  private receive(chunk: Buffer): void {
    try {
      for (const frame of this.frames.push(chunk)) this.answer(frame);
    } catch (error) {
      this.fail(`${this.address} sent a broken frame: ${messageOf(error)}`);
      this.socket.destroy();
    }
  }

  private answer(frame: Frame | OversizeFrame): void {
    const call = this.pending.get(frame.streamId);
    if (!call) return; // given up in the meantime
    this.pending.delete(frame.streamId);
    if ('oversize' in frame) {
      call.reject(new StackError('resource_exhausted', tooLong(frame.oversize)));
    } else if (frame.type !== frameTypes.response) {
      call.reject(new StackError('internal', `unexpected frame of type ${frame.type}`));
    } else {
      const { status, payload } = Response.decode(frame.data);
      if (status && status.code !== 0) call.reject(errorOf(status.code, status.message));
      else call.resolve(payload);
    }
  }

  private fail(message: string, cause?: Error): void {
    if (this.failure) return;
    this.failure = new StackError('unavailable', message, cause && { cause });
    for (const call of this.pending.values()) call.reject(this.failure);
    this.pending.clear();
    this.resolveClosed(this.failure);
  }
}
