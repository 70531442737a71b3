import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { pushBlob, type PushBlobOptions } from '#lib/registry/push-blob';
import { pushImage, type PushProgress, type PushSource } from '#lib/registry/push-image';
import { RegistryClient, type AccessOptions } from '#lib/registry/registry-client';
import { digestOf } from '#spec/digest';
import { isStackError } from '#spec/errors';
import { mediaTypes, type Descriptor } from '#spec/oci/image';
import { parseReference } from '#spec/reference';
import { FakeRegistry, refuse } from './fake-registry.ts';

const layer = randomBytes(100_000);
const describedLayer = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: 100_000 };

describe('pushing', () => {
  let server: FakeRegistry;
  let client: RegistryClient;

  beforeEach(async () => {
    server = await FakeRegistry.start();
    client = new RegistryClient({ retries: { attempts: 3, firstDelayMs: 1 } });
  });
  afterEach(async () => {
    client.close();
    await server.stop();
  });

  const repository = (name = 'app:1', access: AccessOptions = {}) =>
    client.repository(parseReference(`${server.address}/${name}`), access);

  async function* readFrom(content: Buffer, offset: number) {
    for (let at = offset; at < content.length; at += 1000) yield content.subarray(at, at + 1000);
  }

  const push = (options: Partial<PushBlobOptions> = {}, content = layer) =>
    pushBlob(repository(), describedLayer, {
      read: (offset) => readFrom(content, offset),
      ...options,
    });

  /** `PATCH /v2/app/blobs/uploads/1` and so on, without what the registry adds to URLs. */
  const asked = () => server.requests.map(({ method, url }) => `${method} ${url.split('?')[0]}`);

  const isStored = () => server.blobs.get(describedLayer.digest)?.equals(layer);

  describe('a blob', () => {
    it('is sent in one request when it is small', async () => {
      expect(await push()).to.equal('uploaded');
      expect(isStored()).to.equal(true);
      expect(asked()).to.deep.equal([
        `HEAD /v2/app/blobs/${describedLayer.digest}`,
        'POST /v2/app/blobs/uploads/',
        'PUT /v2/app/blobs/uploads/1',
      ]);
    });

    it('is sent in pieces when it is large', async () => {
      const seen: number[] = [];
      await push({ chunkBytes: 40_000, onProgress: (offset) => seen.push(offset) });
      expect(isStored()).to.equal(true);
      expect(asked().filter((line) => line.startsWith('PATCH'))).to.have.length(3);
      expect(seen.at(-1)).to.equal(100_000);
      expect([...seen].sort((a, b) => a - b)).to.deep.equal(seen);
    });

    it('is not sent again', async () => {
      server.addBlob(layer);
      expect(await push()).to.equal('exists');
      expect(asked()).to.have.length(1);
    });

    it('is mounted from another repository, and sent where that does not go', async () => {
      server.uploads.mountable.add(`base/image@${describedLayer.digest}`);
      expect(await push({ mountFrom: ['base/image'] })).to.equal('mounted');
      expect(await push({ mountFrom: ['app', 'other'] })).to.equal('uploaded');
      expect(asked().filter((line) => line.startsWith('POST'))).to.have.length(2);
      expect(isStored()).to.equal(true);
    });

    it('goes on where a piece broke off', async () => {
      server.uploads.breakAfter.push(40_000, 25_000);
      await push({ chunkBytes: 60_000 });
      expect(isStored()).to.equal(true);
      expect(asked().filter((line) => line.startsWith('POST'))).to.have.length(1);
      const ends = asked().filter((line) => line.startsWith('GET'));
      expect(ends).to.have.length(2);
    });

    it('begins anew where the registry has forgotten the upload', async () => {
      server.uploads.breakAfter.push(40_000);
      server.intercept = ({ method }) => {
        if (method === 'GET') server.uploads.received.clear();
        return false;
      };
      await push({ chunkBytes: 60_000 });
      expect(isStored()).to.equal(true);
      expect(asked().filter((line) => line.startsWith('POST'))).to.have.length(2);
    });

    it('is sent whole to a registry that takes no pieces', async () => {
      server.intercept = (request, response) => {
        if (request.method !== 'PATCH') return false;
        request.resume();
        refuse(response, 405, 'UNSUPPORTED', 'the operation is unsupported');
        return true;
      };
      await push({ chunkBytes: 10_000 });
      expect(isStored()).to.equal(true);
    });

    it('is tried again at a busy registry, and given up in the end', async () => {
      let busy = 2;
      server.intercept = (request, response) => {
        if (request.method !== 'PUT' || busy-- <= 0) return false;
        request.resume();
        refuse(response, 503, 'UNAVAILABLE', 'busy');
        return true;
      };
      await push();
      expect(isStored()).to.equal(true);
      server.blobs.clear();
      busy = 100;
      const error = await push().catch((thrown: unknown) => thrown);
      expect(isStackError(error, 'unavailable')).to.equal(true);
    });

    it('that is shorter than it should be is an error of ours, not of the registry', async () => {
      const error = await push({}, layer.subarray(0, 50_000)).catch((thrown: unknown) => thrown);
      expect(isStackError(error, 'data_loss')).to.equal(true);
      expect(server.blobs.size).to.equal(0);
    });

    it('asks for a token that may push, and may read where it mounts from', async () => {
      server.intercept = (request, response) => {
        const { url = '', headers } = request;
        if (url.startsWith('/token')) {
          const scopes = new URL(url, 'http://x').searchParams.getAll('scope');
          response.end(JSON.stringify({ token: scopes.join('+') }));
          return true;
        }
        if (headers.authorization !== undefined) return false;
        const challenge = `Bearer realm="http://${server.address}/token",service="r"`;
        refuse(response, 401, 'UNAUTHORIZED', 'who?', { 'www-authenticate': challenge });
        return true;
      };
      server.uploads.mountable.add(`base@${describedLayer.digest}`);
      await push({ mountFrom: ['base'] });
      const used = server.requests.map(({ authorization }) => authorization);
      expect(used.filter((text) => text !== undefined)).to.deep.equal([
        'Bearer repository:app:pull,push',
        'Bearer repository:app:pull,push+repository:base:pull',
      ]);
    });

    it('shows no credentials to another host that takes the upload', async () => {
      const storage = await FakeRegistry.start();
      try {
        storage.uploads.received.set('9', Buffer.alloc(0));
        server.intercept = ({ method }, response) => {
          if (method !== 'POST') return false;
          const location = `http://${storage.address}/x/blobs/uploads/9?signature=1`;
          response.writeHead(202, { location }).end();
          return true;
        };
        const credentials = { username: 'u', password: 'p' };
        const access = repository('app:1', { credentials });
        await pushBlob(access, describedLayer, { read: (offset) => readFrom(layer, offset) });
        expect(storage.requests.map(({ authorization }) => authorization)).to.deep.equal([
          undefined,
        ]);
        expect(storage.blobs.has(describedLayer.digest)).to.equal(true);
      } finally {
        await storage.stop();
      }
    });
  });

  describe('an image', () => {
    const config = Buffer.from('{"architecture":"amd64","os":"linux"}');
    const foreign: Descriptor = {
      mediaType: mediaTypes.ociLayerNondistributableGzip,
      digest: digestOf('elsewhere'),
      size: 9,
      urls: ['https://elsewhere.example/'],
    };
    const manifest = Buffer.from(
      // White space and unknown keys are part of what the digest says.
      JSON.stringify(
        {
          schemaVersion: 2,
          mediaType: mediaTypes.ociManifest,
          config: {
            mediaType: mediaTypes.ociConfig,
            digest: digestOf(config),
            size: config.length,
          },
          layers: [describedLayer, foreign, describedLayer],
          subject: { mediaType: mediaTypes.ociManifest, digest: digestOf('x'), size: 1 },
          unknown: true,
        },
        undefined,
        3,
      ),
    );
    const describedManifest = {
      mediaType: mediaTypes.ociManifest,
      digest: digestOf(manifest),
      size: manifest.length,
    };
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.ociIndex,
        manifests: [
          { ...describedManifest, platform: { architecture: 'amd64', os: 'linux' } },
          {
            ...describedManifest,
            digest: digestOf('absent'),
            platform: { architecture: 'arm64', os: 'linux' },
          },
        ],
      }),
    );
    const describedIndex = {
      mediaType: mediaTypes.ociIndex,
      digest: digestOf(index),
      size: index.length,
    };
    const contents = new Map(
      [layer, config, manifest, index].map((bytes) => [digestOf(bytes) as string, bytes]),
    );
    const contentOf = ({ digest }: Descriptor) => contents.get(digest) ?? expect.fail(digest);
    const source: PushSource = {
      document: async (descriptor) => contentOf(descriptor),
      blob: (descriptor, offset) => readFrom(contentOf(descriptor), offset),
    };

    it('is pushed byte for byte, what refers to something after it', async () => {
      const reports: PushProgress[] = [];
      await pushImage(repository(), describedIndex, source, {
        onProgress: (progress) => reports.push(progress),
        wants: ({ platform }) => platform?.architecture === 'amd64',
      });
      expect(server.manifests.get('1')?.equals(index)).to.equal(true);
      expect(server.manifests.get(describedManifest.digest)?.equals(manifest)).to.equal(true);
      expect([...server.blobs.keys()]).to.have.members([describedLayer.digest, digestOf(config)]);
      expect(asked().slice(-4)).to.deep.equal([
        `HEAD /v2/app/manifests/${describedManifest.digest}`,
        `PUT /v2/app/manifests/${describedManifest.digest}`,
        'HEAD /v2/app/manifests/1',
        'PUT /v2/app/manifests/1',
      ]);
      const ends = new Map(reports.map(({ descriptor, state }) => [descriptor.digest, state]));
      expect(ends.get(foreign.digest)).to.equal('skipped');
      expect(ends.get(describedIndex.digest)).to.equal('uploaded');
      const ofLayer = reports.filter(
        ({ descriptor }) => descriptor.digest === describedLayer.digest,
      );
      expect(ofLayer.at(-1)).to.deep.include({ state: 'uploaded', offset: 100_000 });
      expect(ofLayer.at(-1)?.parent?.digest).to.equal(describedManifest.digest);
    });

    it('is left alone where it is already', async () => {
      await pushImage(repository(), describedManifest, source);
      server.requests.length = 0;
      await pushImage(repository(), describedManifest, source);
      // Whether the registry knows what the manifest refers to is asked, too.
      const written = server.requests.filter(({ method }) => !['HEAD', 'GET'].includes(method));
      expect(written).to.deep.equal([]);
    });

    it('goes to a digest where the reference has no tag', async () => {
      await pushImage(repository(`app@${describedManifest.digest}`), describedManifest, source);
      expect([...server.manifests.keys()]).to.deep.equal([describedManifest.digest]);
    });

    it('stops at the first failure, in the words of the registry', async () => {
      server.intercept = ({ method }, response) => {
        if (method !== 'POST') return false;
        refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
        return true;
      };
      const error = await pushImage(repository(), describedManifest, source).catch(
        (thrown: unknown) => thrown,
      );
      expect(String(error)).to.contain('denied: requested access to the resource is denied');
      expect(server.manifests.size).to.equal(0);
    });
  });
});
