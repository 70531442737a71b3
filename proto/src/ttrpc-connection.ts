/** One connection to a ttrpc server: requests in, each answered when it is done. */
import type net from 'node:net';
import { StackError, messageOf, type ErrorKind } from '#spec/errors';
import { Request, Response } from './generated/ttrpc.ts';
import { statusOf } from './status.ts';
import {
  FrameReader,
  encodeFrame,
  frameTypes,
  tooLong,
  type Frame,
  type OversizeFrame,
} from './ttrpc-frame.ts';

/** Answers a request: never throws. `gone` is aborted when the caller has gone. */
export type RequestHandler = (
  request: Request,
  flags: number,
  gone: AbortSignal,
) => Promise<Buffer>;

/** A connection as a successor of this process gets it. */
export interface ConnectionHandover {
  fd: number;
  /** Received and not answered: frames of whole requests, then what may be part of one. */
  received: Buffer;
}

interface Unanswered {
  frame: Frame;
  /** `package.Service/Method` */
  path: string;
}

/** A client that asks and does not read the answers is not listened to beyond this many bytes of them. */
const mostUnread = 1024 * 1024;
/** How long a suspended connection may take to read the answers that it has been sent. */
const flushTimeoutMs = 1000;

export class TtrpcConnection {
  private readonly socket: net.Socket;
  private readonly handle: RequestHandler;
  private readonly frames = new FrameReader();
  private readonly unanswered = new Map<number, Unanswered>();
  private readonly gone = new AbortController();
  private lastStreamId = 0;
  private suspended = false;
  /** Told whenever something was answered or the connection is lost. */
  private onChange: () => void = () => undefined;

  constructor(socket: net.Socket, handle: RequestHandler) {
    this.socket = socket;
    this.handle = handle;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('drain', () => {
      if (!this.suspended) socket.resume();
      this.onChange();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this.gone.abort(new StackError('cancelled', 'the caller went away'));
      this.onChange();
    });
  }

  /** Takes what was sent, also what a predecessor has received and not answered. */
  receive(chunk: Buffer): void {
    for (const frame of this.frames.push(chunk)) this.take(frame);
  }

  /**
   * Takes no more requests. Resolves when all were answered but those that `isRepeatable` says a successor may just
   * carry out again, and the client has read the answers, or is given up.
   */
  async suspend(isRepeatable: (path: string) => boolean): Promise<void> {
    this.suspended = true;
    this.socket.pause();
    const isBusy = () => [...this.unanswered.values()].some(({ path }) => !isRepeatable(path));
    await this.until(() => !isBusy());
    const timer = setTimeout(() => this.socket.destroy(), flushTimeoutMs);
    await this.until(() => this.socket.writableLength === 0);
    clearTimeout(timer);
  }

  /** To be called when it is suspended; undefined where nothing can be handed over. */
  handOver(): ConnectionHandover | undefined {
    const rest = this.readAhead();
    const handle = (this.socket as unknown as { _handle: { fd: number } | null })._handle;
    if (!handle || this.socket.destroyed || rest === undefined) return undefined;
    const requests = [...this.unanswered.values()].map(({ frame }) => encodeFrame(frame));
    return { fd: handle.fd, received: Buffer.concat([...requests, rest]) };
  }

  destroy(): void {
    this.socket.destroy();
  }

  private take(frame: Frame | OversizeFrame): void {
    const { streamId } = frame;
    if (frame.type !== frameTypes.request) return; // data of a stream that was refused
    if (streamId % 2 === 0 || streamId <= this.lastStreamId) {
      this.refuse(streamId, 'invalid_argument', 'stream ids of requests are odd and increase');
      return;
    }
    this.lastStreamId = streamId;
    if ('oversize' in frame) {
      this.refuse(streamId, 'resource_exhausted', tooLong(frame.oversize));
      return;
    }
    let request: Request;
    try {
      request = Request.decode(frame.data);
    } catch (error) {
      this.refuse(streamId, 'invalid_argument', messageOf(error));
      return;
    }
    this.unanswered.set(streamId, { frame, path: `${request.service}/${request.method}` });
    void this.handle(request, frame.flags, this.gone.signal).then((response) => {
      this.unanswered.delete(streamId);
      this.respond(streamId, response);
      this.onChange();
    });
  }

  private refuse(streamId: number, kind: ErrorKind, message: string): void {
    this.respond(streamId, failure(new StackError(kind, message)));
  }

  private respond(streamId: number, response: Buffer): void {
    if (this.socket.destroyed) return;
    let frame: Buffer;
    try {
      frame = encodeFrame({ streamId, type: frameTypes.response, flags: 0, data: response });
    } catch (error) {
      frame = encodeFrame({ streamId, type: frameTypes.response, flags: 0, data: failure(error) });
    }
    this.socket.write(frame);
    if (this.socket.writableLength > mostUnread) this.socket.pause();
  }

  /** Bytes of a frame that is not complete; undefined in the middle of one that is being skipped. */
  private readAhead(): Buffer | undefined {
    const rest: Buffer[] = [];
    for (let more = this.read(); more !== null; more = this.read()) rest.push(more);
    const begun = this.frames.begun();
    return begun && Buffer.concat([begun, ...rest]);
  }

  private read(): Buffer | null {
    return this.socket.read() as Buffer | null; // no encoding is set
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.socket.destroyed) {
      await new Promise<void>((resolve) => (this.onChange = resolve));
    }
  }
}

/** The answer to a request that failed. */
export function failure(error: unknown): Buffer {
  const { code, message } = statusOf(error);
  return Response.encode({ status: { code, message } });
}
