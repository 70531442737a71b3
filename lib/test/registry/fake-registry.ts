/** A registry in this process that misbehaves on demand. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf, type Digest } from '#spec/digest';
import { mediaTypes, type Descriptor } from '#spec/oci/image';

export type Handler = (request: IncomingMessage, response: ServerResponse) => boolean;

export class FakeRegistry {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Method and path of every request, and what it was authorized by. */
  readonly requests: {
    url: string;
    authorization: string | undefined;
    range: string | undefined;
  }[] = [];
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Buffer>();
  /** Asked first; returns whether it has answered. */
  intercept: Handler = () => false;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FakeRegistry> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeRegistry(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  addBlob(content: Buffer): Descriptor & { digest: Digest } {
    const digest = digestOf(content);
    this.blobs.set(digest, content);
    return { mediaType: mediaTypes.ociLayer, digest, size: content.length };
  }

  addManifest(tag: string, document: object): Digest {
    const content = Buffer.from(JSON.stringify(document));
    const digest = digestOf(content);
    this.manifests.set(tag, content);
    this.manifests.set(digest, content);
    return digest;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '', headers } = request;
    this.requests.push({ url, authorization: headers.authorization, range: headers.range });
    if (this.intercept(request, response)) return;
    const [, kind, name = ''] = /\/(manifests|blobs)\/([^/]+)$/.exec(url) ?? [];
    const content = kind === 'blobs' ? this.blobs.get(name) : this.manifests.get(name);
    if (!content) {
      refuse(
        response,
        404,
        kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN',
        'manifest unknown',
      );
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-type': kind === 'blobs' ? 'application/octet-stream' : mediaTypes.ociManifest,
      'content-length': content.length - start,
    });
    response.end(content.subarray(start));
  }
}

/** An error in the form of the distribution API. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}
