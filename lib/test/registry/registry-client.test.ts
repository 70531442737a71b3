import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { RegistryClient, type AccessOptions } from '#lib/registry/registry-client';
import { digestOf } from '#spec/digest';
import { isStackError, type StackError } from '#spec/errors';
import { mediaTypes } from '#spec/oci/image';
import { parseReference } from '#spec/reference';
import { FakeRegistry, refuse } from './fake-registry.ts';

const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest };

describe('RegistryClient', () => {
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

  const repository = (name: string, access: AccessOptions = {}) =>
    client.repository(parseReference(`${server.address}/${name}`), access);

  async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of source) parts.push(part);
    return Buffer.concat(parts);
  }

  async function failure(action: Promise<unknown>): Promise<StackError> {
    try {
      await action;
    } catch (error) {
      if (isStackError(error)) return error;
      throw error;
    }
    return expect.fail('it succeeded');
  }

  it('resolves tags and digests over plain HTTP on loopback', async () => {
    const digest = server.addManifest('1', manifest);
    const byTag = await repository('app:1').resolve();
    expect(byTag.descriptor).to.deep.equal({
      mediaType: mediaTypes.ociManifest,
      digest,
      size: byTag.content.length,
    });
    expect((await repository(`app@${digest}`).resolve()).descriptor.digest).to.equal(digest);
  });

  it('says in docker’s words what it cannot find', async () => {
    const { kind, message } = await failure(repository('x/y:z').resolve());
    expect(kind).to.equal('not_found');
    expect(message).to.equal(
      `manifest for ${server.address}/x/y:z not found: manifest unknown: manifest unknown`,
    );
    server.intercept = (_request, response) => {
      refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
      return true;
    };
    expect((await failure(repository('x').resolve())).message).to.equal(
      `pull access denied for ${server.address}/x, repository does not exist or may require 'docker login': ` +
        'denied: requested access to the resource is denied',
    );
  });

  it('says that nobody listens', async () => {
    await server.stop();
    const { kind, message } = await failure(repository('x').resolve());
    expect(kind).to.equal('unavailable');
    expect(message).to.equal(
      `Get "http://${server.address}/v2/x/manifests/latest": dial tcp ${server.address}: connect: connection refused`,
    );
    server = await FakeRegistry.start();
  });

  it('refuses a manifest that is not what its digest says', async () => {
    const wrong = digestOf('something else');
    server.manifests.set(wrong, Buffer.from(JSON.stringify(manifest)));
    const { kind, message } = await failure(repository(`x@${wrong}`).resolve());
    expect(kind).to.equal('data_loss');
    expect(message)
      .to.include(wrong)
      .and.include(digestOf(JSON.stringify(manifest)));
  });

  it('refuses a manifest of more than 4 MiB', async () => {
    server.manifests.set('1', Buffer.alloc(5 << 20, ' '));
    expect((await failure(repository('app:1').resolve())).kind).to.equal('resource_exhausted');
  });

  it('refuses manifests that it does not know', async () => {
    server.addManifest('1', {
      schemaVersion: 1,
      mediaType: 'application/vnd.docker.distribution.manifest.v1+json',
    });
    expect((await failure(repository('x:1').resolve())).message).to.include('schema version 1');
    server.addManifest('2', { schemaVersion: 2, mediaType: 'text/plain' });
    expect((await failure(repository('x:2').resolve())).message).to.include('"text/plain"');
  });

  it('takes a broken download up again where it broke', async () => {
    const content = randomBytes(300_000);
    const descriptor = server.addBlob(content);
    let breaks = 4; // more than one request may fail, because each brings something
    server.intercept = (request, response) => {
      if (!request.url?.includes('/blobs/') || breaks-- <= 0) return false;
      const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': content.length - start });
      response.write(content.subarray(start, start + 50_000), () => response.destroy());
      return true;
    };
    expect((await collect(repository('x').blob(descriptor))).equals(content)).to.equal(true);
    const ranges = server.requests.flatMap(({ range }) => range ?? []);
    expect(ranges).to.have.length(4);
    expect(ranges[0]).to.match(/^bytes=[1-9]/);
  });

  it('skips what it has from a server without ranges', async () => {
    const content = randomBytes(100_000);
    const descriptor = server.addBlob(content);
    let first = true;
    server.intercept = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      if (first) response.write(content.subarray(0, 40_000), () => response.destroy());
      else response.end(content);
      first = false;
      return true;
    };
    expect((await collect(repository('x').blob(descriptor))).equals(content)).to.equal(true);
  });

  it('gives up a download that brings nothing', async () => {
    const descriptor = server.addBlob(Buffer.from('content'));
    server.intercept = (_request, response) => {
      response.destroy();
      return true;
    };
    expect((await failure(collect(repository('x').blob(descriptor)))).kind).to.equal('unavailable');
    expect(server.requests.length).to.be.at.least(3);
  });

  it('names both digests of a blob that is not what it should be', async () => {
    const right = server.addBlob(Buffer.from('right'));
    server.blobs.set(right.digest, Buffer.from('wrong'));
    const { kind, message } = await failure(collect(repository('x').blob(right)));
    expect(kind).to.equal('data_loss');
    expect(message).to.equal(
      `content has the wrong digest: expected ${right.digest}, got ${digestOf('wrong')}`,
    );
    server.blobs.set(right.digest, Buffer.from('right and more'));
    expect((await failure(collect(repository('x').blob(right)))).message).to.include('has 5 bytes');
  });

  it('asks a busy registry again', async () => {
    server.addManifest('1', manifest);
    const answers = [429, 503];
    server.intercept = (_request, response) => {
      const status = answers.shift();
      if (status === undefined) return false;
      refuse(response, status, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '0' });
      return true;
    };
    await repository('x:1').resolve();
    expect(server.requests).to.have.length(3);
    answers.push(500, 500, 500, 500);
    const { kind, message } = await failure(repository('x:1').resolve());
    expect(kind).to.equal('unavailable');
    expect(message).to.equal('toomanyrequests: slow down');
  });

  describe('with a token server', () => {
    const credentials = { username: 'me', password: 'secret' };

    beforeEach(() => {
      server.addManifest('latest', manifest);
      server.intercept = (request, response) => {
        const { url = '', headers, method } = request;
        if (url.startsWith('/token')) {
          const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
          if (headers.authorization === basic || method === 'POST') {
            response.end(JSON.stringify({ token: 'T', expires_in: 300 }));
          } else refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
          return true;
        }
        if (headers.authorization === 'Bearer T' || headers.authorization === 'Bearer given')
          return false;
        refuse(response, 401, 'UNAUTHORIZED', 'authentication required', {
          'www-authenticate': `Bearer realm="http://${server.address}/token",service="reg",scope="repository:x:pull"`,
        });
        return true;
      };
    });

    it('gets a token with the credentials, and keeps it', async () => {
      const remote = repository('x', { credentials });
      await remote.resolve();
      await remote.resolve();
      const urls = server.requests.map(({ url }) => url);
      expect(urls.filter((url) => url.startsWith('/token'))).to.deep.equal([
        '/token?service=reg&scope=repository%3Ax%3Apull',
      ]);
      expect(urls).to.have.length(4);
    });

    it('exchanges an identity token, and uses a registry token as it is', async () => {
      await repository('x', { credentials: { identityToken: 'refresh' } }).resolve();
      expect(server.requests.some(({ url }) => url === '/token')).to.equal(true);
      const before = server.requests.length;
      await repository('x', { credentials: { registryToken: 'given' } }).resolve();
      expect(server.requests.slice(before).map(({ url }) => url)).to.not.include('/token');
    });

    it('says that the credentials are wrong', async () => {
      const { kind, message } = await failure(repository('x').resolve());
      expect(kind).to.equal('unauthenticated');
      expect(message).to.equal('unauthorized: authentication required');
    });
  });

  it('answers a basic challenge', async () => {
    server.addManifest('latest', manifest);
    const expected = `Basic ${Buffer.from('u:p:w').toString('base64')}`;
    server.intercept = ({ headers }, response) => {
      if (headers.authorization === expected) return false;
      refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="r"' });
      return true;
    };
    await repository('x', { credentials: { username: 'u', password: 'p:w' } }).resolve();
    expect((await failure(repository('x').resolve())).message).to.equal(
      'no basic auth credentials',
    );
  });

  it('drops credentials when it is sent to another host', async () => {
    const other = await FakeRegistry.start();
    try {
      const descriptor = other.addBlob(Buffer.from('elsewhere'));
      server.intercept = ({ headers, url = '' }, response) => {
        if (headers.authorization === undefined) {
          refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="r"' });
        } else {
          const location = `http://localhost:${other.address.split(':')[1] ?? ''}${url}`;
          response.writeHead(307, { location }).end();
        }
        return true;
      };
      const remote = repository('x', { credentials: { username: 'u', password: 'p' } });
      expect((await collect(remote.blob(descriptor))).toString()).to.equal('elsewhere');
      expect(other.requests.map(({ authorization }) => authorization)).to.deep.equal([undefined]);
    } finally {
      await other.stop();
    }
  });

  it('asks the mirrors of Docker Hub first, without credentials, and goes on when one fails', async () => {
    const broken = await FakeRegistry.start();
    await broken.stop();
    const mirrored = new RegistryClient({
      mirrors: [`http://${broken.address}`, `http://${server.address}/hub/`],
      retries: { attempts: 1, firstDelayMs: 1 },
    });
    server.addManifest('latest', manifest);
    const credentials = { username: 'u', password: 'p' };
    await mirrored.repository(parseReference('busybox'), { credentials }).resolve();
    expect(server.requests).to.deep.equal([
      {
        method: 'GET',
        url: '/hub/v2/library/busybox/manifests/latest',
        authorization: undefined,
        range: undefined,
      },
    ]);
    mirrored.close();
  });

  it('goes through the proxy of the environment, but not to loopback', async () => {
    const proxy = await FakeRegistry.start();
    const previous = process.env['HTTP_PROXY'];
    process.env['HTTP_PROXY'] = `http://${proxy.address}`;
    const proxied = new RegistryClient({ insecureRegistries: ['registry.invalid'] });
    try {
      const digest = proxy.addManifest('1', manifest);
      const remote = proxied.repository(parseReference('registry.invalid/app:1'));
      expect((await remote.resolve()).descriptor.digest).to.equal(digest);
      expect(proxy.requests.map(({ url }) => url)).to.deep.equal([
        'http://registry.invalid/v2/app/manifests/1',
      ]);
      server.addManifest('1', manifest);
      await proxied.repository(parseReference(`${server.address}/app:1`)).resolve();
      expect(proxy.requests).to.have.length(1);
    } finally {
      if (previous === undefined) delete process.env['HTTP_PROXY'];
      else process.env['HTTP_PROXY'] = previous;
      proxied.close();
      await proxy.stop();
    }
  });

  it('sends the headers of its settings', async () => {
    const own = new RegistryClient({ headers: { 'x-own': '1' } });
    let seen: unknown;
    server.intercept = ({ headers }) => {
      seen = headers['x-own'];
      return false;
    };
    const blob = server.addBlob(Buffer.from('content'));
    await own.repository(parseReference(`${server.address}/app:1`)).document(blob);
    own.close();
    expect(seen).to.equal('1');
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    server.intercept = () => {
      controller.abort();
      return true; // never answers
    };
    const action = repository('x', { signal: controller.signal }).resolve();
    await action.then(
      () => expect.fail('it succeeded'),
      (error: unknown) => expect((error as Error).name).to.equal('AbortError'),
    );
  });
});
