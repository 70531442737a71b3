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
    method: string;
    url: string;
    authorization: string | undefined;
    range: string | undefined;
  }[] = [];
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Buffer>();
  readonly uploads = new FakeUploads(this.blobs);
  /** Whether it finds what refers to a manifest by itself. */
  hasReferrersApi = true;
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

  async #storeManifest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const content = Buffer.concat(parts);
    const digest = digestOf(content);
    this.manifests.set(request.url?.split('/').pop() ?? '', content);
    this.manifests.set(digest, content);
    const { subject } = JSON.parse(content.toString()) as { subject?: Descriptor };
    if (subject && this.hasReferrersApi) response.setHeader('oci-subject', subject.digest);
    response.writeHead(201, { 'docker-content-digest': digest }).end();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, url, authorization: headers.authorization, range: headers.range });
    if (this.intercept(request, response)) return;
    if (url.includes('/blobs/uploads/')) {
      void this.uploads.answer(request, response);
      return;
    }
    if (method === 'PUT') {
      void this.#storeManifest(request, response);
      return;
    }
    if (url.includes('/referrers/') && this.hasReferrersApi) {
      response.end('{"schemaVersion":2,"manifests":[]}');
      return;
    }
    const [, kind, name = ''] = /\/(manifests|blobs)\/([^/?]+)(?:\?.*)?$/.exec(url) ?? [];
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
    if (method === 'HEAD') {
      const digest = digestOf(content);
      response.writeHead(200, {
        'docker-content-digest': digest,
        'content-length': content.length,
      });
      response.end();
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

/** What clients push, piece by piece. */
export class FakeUploads {
  /** Uploads that have begun, by id. */
  readonly received = new Map<string, Buffer>();
  /** `<repository>@<digest>` that may be mounted from there. */
  readonly mountable = new Set<string>();
  /** Bytes after which connections break, for the next requests. */
  readonly breakAfter: number[] = [];
  readonly #blobs: Map<string, Buffer>;
  #count = 0;

  constructor(blobs: Map<string, Buffer>) {
    this.#blobs = blobs;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://registry');
    const id = url.pathname.split('/').pop() ?? '';
    if (request.method === 'POST') {
      const [mount, from] = [url.searchParams.get('mount'), url.searchParams.get('from')];
      if (this.mountable.has(`${from}@${mount}`)) {
        response.writeHead(201).end();
        return;
      }
      const begun = String(++this.#count);
      this.received.set(begun, Buffer.alloc(0));
      response.writeHead(202, { location: `${url.pathname}${begun}?state=1` }).end();
      return;
    }
    const known = this.received.get(id);
    if (!known) {
      refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'upload unknown');
      return;
    }
    const body = await this.#read(request, known, id);
    if (body === undefined) return;
    const headers = { location: `${url.pathname}?state=2`, range: `0-${body.length - 1}` };
    if (request.method === 'PUT') {
      const digest = url.searchParams.get('digest') ?? '';
      if (digestOf(body) !== digest) {
        refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
        return;
      }
      this.received.delete(id);
      this.#blobs.set(digest, body);
      response.writeHead(201, { 'docker-content-digest': digest }).end();
    } else response.writeHead(request.method === 'GET' ? 204 : 202, headers).end();
  }

  /** What has come by now; undefined after breaking the connection. */
  async #read(request: IncomingMessage, known: Buffer, id: string): Promise<Buffer | undefined> {
    const limit = request.method === 'GET' ? undefined : this.breakAfter.shift();
    let body = known;
    for await (const part of request) {
      body = Buffer.concat([body, part as Buffer]);
      if (limit !== undefined && body.length - known.length >= limit) {
        this.received.set(id, body.subarray(0, known.length + limit));
        request.destroy();
        return undefined;
      }
    }
    this.received.set(id, body);
    return body;
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
