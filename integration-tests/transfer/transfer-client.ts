/** Calls of the transfer service with their streams, as a client of containerd makes them. */
import { randomUUID } from 'node:crypto';
import { ContainerdClient } from '#proto/containerd-client';
import { packAny, unpackAny } from '#proto/any';
import { StreamInit } from '#proto/generated/containerd.services.streaming.v1';
import {
  AuthRequest,
  AuthResponse,
  Data,
  ImageExportStream,
  ImageImportStream,
  ImageStore,
  OCIRegistry,
  Progress,
  WindowUpdate,
} from '#proto/generated/containerd.types.transfer';
import type { Any } from '#proto/generated/google.protobuf';
import type { Input } from '#proto/message';

/** What Go's client grants at once. */
const grantBytes = 64 * 1024;

export interface OpenedStream {
  id: string;
  answers: AsyncIterator<Any>;
  write(message: Any): Promise<void>;
  end(): void;
  cancel(): void;
}

export class TransferClient {
  readonly client: ContainerdClient;

  constructor(address: string, namespace: string) {
    this.client = new ContainerdClient(address, { namespace });
  }

  close(): void {
    this.client.close();
  }

  async openStream(id = randomUUID() as string): Promise<OpenedStream> {
    const call = this.client.streaming.stream();
    const answers: AsyncIterator<Any> = call[Symbol.asyncIterator]();
    await call.write(packAny(StreamInit, { id }));
    await answers.next();
    return {
      id,
      answers,
      write: (message) => call.write(message),
      end: () => call.end(),
      cancel: () => call.cancel(),
    };
  }

  /** Transfers and returns the events that were told, `event name`. */
  async transfer(source: Any, destination: Any, signal?: AbortSignal): Promise<string[]> {
    const stream = await this.openStream();
    const events: string[] = [];
    const reading = (async () => {
      for (let next = await stream.answers.next(); !next.done; next = await stream.answers.next()) {
        const { event, name } = unpackAny(Progress, next.value);
        events.push(`${event} ${name}`.trim());
      }
    })();
    reading.catch(() => undefined); // the call tells
    await this.client.transfer.transfer(
      { source, destination, options: { progressStream: stream.id } },
      { ...(signal && { signal }) },
    );
    await reading;
    return events;
  }

  pull(reference: string, store: Input<ImageStore> = {}, signal?: AbortSignal): Promise<string[]> {
    const destination = { name: reference, unpacks: [{ snapshotter: 'overlayfs' }], ...store };
    return this.transfer(
      packAny(OCIRegistry, { reference }),
      packAny(ImageStore, destination),
      signal,
    );
  }

  /** Pulls with credentials that are asked for on a stream. Returns the hosts that wanted to see them. */
  async pullAs(username: string, secret: string, reference: string): Promise<string[]> {
    const stream = await this.openStream();
    const hosts: string[] = [];
    const answering = (async () => {
      for (let next = await stream.answers.next(); !next.done; next = await stream.answers.next()) {
        hosts.push(unpackAny(AuthRequest, next.value).host);
        await stream.write(packAny(AuthResponse, { authType: 'CREDENTIALS', username, secret }));
      }
    })();
    answering.catch(() => undefined); // the call tells
    const source = { reference, resolver: { authStream: stream.id } };
    await this.transfer(packAny(OCIRegistry, source), packAny(ImageStore, { name: reference }));
    return hosts;
  }

  async export(name: string): Promise<Buffer> {
    const stream = await this.openStream();
    const parts: Buffer[] = [];
    const reading = (async () => {
      let granted = 0;
      while (true) {
        if (granted < grantBytes) {
          await stream.write(packAny(WindowUpdate, { update: grantBytes }));
          granted += grantBytes;
        }
        const next = await stream.answers.next();
        if (next.done === true) return;
        const { data } = unpackAny(Data, next.value);
        granted -= data.length;
        parts.push(data);
      }
    })();
    await this.transfer(
      packAny(ImageStore, { name }),
      packAny(ImageExportStream, { stream: stream.id }),
    );
    await reading.catch(() => undefined); // a grant that came too late
    return Buffer.concat(parts);
  }

  /** Sends an archive, as far as `bytes` says. */
  async import(archive: Buffer, prefix: string): Promise<string[]> {
    const stream = await this.openStream();
    const sending = (async () => {
      let granted = 0;
      for (let at = 0; at < archive.length;) {
        while (granted <= 0) {
          const next = await stream.answers.next();
          if (next.done === true) return;
          granted += unpackAny(WindowUpdate, next.value).update;
        }
        const data = archive.subarray(at, at + Math.min(granted, grantBytes));
        await stream.write(packAny(Data, { data }));
        granted -= data.length;
        at += data.length;
      }
      stream.end();
    })();
    const events = await this.transfer(
      packAny(ImageImportStream, { stream: stream.id }),
      packAny(ImageStore, {
        extraReferences: [{ name: prefix, isPrefix: true, allowOverwrite: true }],
        unpacks: [{ snapshotter: 'overlayfs' }],
      }),
    );
    await sending;
    return events;
  }
}
