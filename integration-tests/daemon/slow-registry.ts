/** A registry that is slow on purpose, and counts: how many layers it serves or takes at the same time, and how often. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const layerCount = 6;
/** Long enough for all that may come at the same time to come. */
const serviceMs = 300;
const types = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar',
} as const;

export class SlowRegistry {
  readonly #server = http.createServer((request, response) => void this.#answer(request, response));
  readonly #blobs = new Map<string, Buffer>();
  readonly #layers: string[] = [];
  readonly #manifest: Buffer;
  #busy = 0;
  /** The most that were under way at the same time. */
  most = 0;
  /** Requests for each blob's content, by digest. */
  readonly requests = new Map<string, number>();
  /** Whether content of layers is refused as by a server that is overloaded. */
  overloaded = false;

  private constructor() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'slow-'));
    for (let layer = 0; layer < layerCount; layer++) {
      fs.writeFileSync(path.join(folder, `file-${layer}`), `layer ${layer}`);
      this.#layers.push(this.#add(spawnSync('tar', ['-C', folder, '-c', `file-${layer}`]).stdout));
    }
    fs.rmSync(folder, { recursive: true });
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Cmd: ['true'] },
        rootfs: { type: 'layers', diff_ids: this.#layers },
      }),
    );
    const described = (mediaType: string, digest: string): object => ({
      ...{ mediaType, digest },
      size: this.#blobs.get(digest)?.length,
    });
    this.#manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: types.manifest,
        config: described(types.config, this.#add(config)),
        layers: this.#layers.map((digest) => described(types.layer, digest)),
      }),
    );
  }

  static async start(): Promise<SlowRegistry> {
    const registry = new SlowRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // listens on TCP
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #add(content: Buffer): string {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    this.#blobs.set(digest, content);
    return digest;
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const place = decodeURIComponent(url);
    if (place === '/v2/') response.end('{}');
    else if (method === 'POST') response.writeHead(202, { Location: `${url}1` }).end();
    else if (method === 'PATCH' || method === 'PUT') await this.#take(request, response);
    else if (place.includes('/manifests/')) this.#describe(method, response);
    else await this.#serve(method, /sha256:[0-9a-f]{64}/.exec(place)?.[0] ?? '', response);
  }

  #describe(method: string, response: http.ServerResponse): void {
    const digest = `sha256:${createHash('sha256').update(this.#manifest).digest('hex')}`;
    response.writeHead(200, {
      'Content-Type': types.manifest,
      'Content-Length': this.#manifest.length,
      'Docker-Content-Digest': digest,
    });
    response.end(method === 'HEAD' ? undefined : this.#manifest);
  }

  async #serve(method: string, digest: string, response: http.ServerResponse): Promise<void> {
    const content = this.#blobs.get(digest);
    // What is pushed is never there before.
    if (!content || method === 'HEAD') {
      response.writeHead(404).end();
      return;
    }
    const isLayer = this.#layers.includes(digest);
    if (isLayer) this.requests.set(digest, (this.requests.get(digest) ?? 0) + 1);
    if (isLayer && this.overloaded) response.writeHead(503, { 'Retry-After': '0' }).end();
    else {
      if (isLayer) await this.#occupied();
      response.writeHead(200, { 'Content-Length': content.length }).end(content);
    }
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    request.resume();
    const isUpload = request.url?.includes('/uploads/') ?? false;
    if (isUpload) await this.#occupied();
    const digest = /sha256(?::|%3A)[0-9a-f]{64}/.exec(request.url ?? '')?.[0];
    response.writeHead(request.method === 'PATCH' ? 202 : 201, {
      ...(request.method === 'PATCH' && { Location: request.url }),
      ...(digest !== undefined && { 'Docker-Content-Digest': decodeURIComponent(digest) }),
    });
    response.end();
  }

  async #occupied(): Promise<void> {
    this.most = Math.max(this.most, ++this.#busy);
    await delay(serviceMs);
    this.#busy--;
  }
}
