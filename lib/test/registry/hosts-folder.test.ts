import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { endpointsOf } from '#lib/registry/endpoints';
import { RegistryClient } from '#lib/registry/registry-client';
import { mediaTypes } from '#spec/oci/image';
import { parseReference } from '#spec/reference';
import { FakeRegistry } from './fake-registry.ts';

describe('endpointsOf with a folder of hosts', () => {
  let hostsFolder: string;

  beforeEach(() => {
    hostsFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'hosts-'));
  });
  afterEach(() => fs.rmSync(hostsFolder, { recursive: true }));

  function write(name: string, text: string): void {
    const file = path.join(hostsFolder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }

  const endpoints = (registry: string) => endpointsOf(registry, { hostsFolder });
  const urls = (registry: string) => endpoints(registry).map(({ url }) => url);

  it('asks the hosts in their order, then the server', () => {
    write(
      'docker.io/hosts.toml',
      `server = "https://registry-1.docker.io"
       [host."https://first.example"]
         capabilities = ["pull"]
       [host."https://second.example/some/path"]
         capabilities = ["pull", "Resolve"]
         skip_verify = true
         dial_timeout = "1m30s"
         proxy = "http://proxy.example:8080"
         [host."https://second.example/some/path".header]
           x-one = "1"
           x-two = ["a", "b"]
       [host."third.example:5000"]
         override_path = true`,
    );
    expect(endpoints('docker.io')).to.deep.equal([
      {
        url: 'https://first.example/v2',
        connection: { verifyTls: true },
        mirror: true,
        capabilities: ['pull'],
        headers: {},
        standsFor: 'docker.io',
      },
      {
        url: 'https://second.example/some/path/v2',
        connection: {
          verifyTls: false,
          dialTimeoutMs: 90_000,
          proxy: 'http://proxy.example:8080',
        },
        mirror: true,
        capabilities: ['pull', 'resolve'],
        headers: { 'x-one': '1', 'x-two': 'a, b' },
        standsFor: 'docker.io',
      },
      {
        url: 'https://third.example:5000',
        connection: { verifyTls: true },
        mirror: true,
        capabilities: ['pull', 'resolve', 'push'],
        headers: {},
        standsFor: 'docker.io',
      },
      {
        url: 'https://registry-1.docker.io/v2',
        connection: { verifyTls: true },
        mirror: false,
        capabilities: ['pull', 'resolve', 'push'],
        headers: {},
      },
    ]);
  });

  it('asks the registry itself where no server is named', () => {
    write('quay.io/hosts.toml', 'skip_verify = true\n[host."https://mirror.example"]');
    expect(urls('quay.io')).to.deep.equal(['https://mirror.example/v2', 'https://quay.io/v2']);
    expect(endpoints('quay.io')[1]?.connection).to.deep.equal({ verifyTls: false });
  });

  it('looks for a folder with the port, for one of the host, then for the default', () => {
    write('_default/hosts.toml', '[host."https://default.example"]');
    write('a.example:5000/hosts.toml', '[host."https://colon.example"]');
    write('b.example:5000/hosts.toml', '[host."https://colon.example"]');
    write('b.example_5000_/hosts.toml', '[host."https://underscore.example"]');
    expect(urls('a.example:5000')[0]).to.equal('https://colon.example/v2');
    expect(urls('b.example:5000')[0]).to.equal('https://underscore.example/v2');
    expect(urls('c.example')[0]).to.equal('https://default.example/v2');
  });

  it('reads certificates, beside the file and in docker’s form', () => {
    write(
      'a.example/hosts.toml',
      `ca = "ca.pem"\nclient = [["client.pem", ""], ["c.cert", "c.key"]]`,
    );
    for (const name of ['ca.pem', 'client.pem', 'c.cert', 'c.key'])
      write(`a.example/${name}`, name);
    expect(endpoints('a.example')[0]?.connection).to.deep.equal({
      verifyTls: true,
      authorities: ['ca.pem'],
      clientCertificates: [
        { certificate: 'client.pem', key: 'client.pem' },
        { certificate: 'c.cert', key: 'c.key' },
      ],
    });
    for (const name of ['ca.crt', 'x.cert', 'x.key']) write(`b.example/${name}`, name);
    expect(endpoints('b.example')[0]?.connection).to.deep.equal({
      verifyTls: true,
      authorities: ['ca.crt'],
      clientCertificates: [{ certificate: 'x.cert', key: 'x.key' }],
    });
  });

  it('tries TLS first where certificates are set for plain HTTP', () => {
    write('a.example/hosts.toml', '[host."http://plain.example:5000"]\nskip_verify = true');
    expect(urls('a.example').slice(0, 2)).to.deep.equal([
      'https://plain.example:5000/v2',
      'http://plain.example:5000/v2',
    ]);
  });

  for (const [text, reason] of [
    ['surprise = 1', 'key surprise is not supported'],
    [
      'capabilities = ["fly"]',
      'key capabilities holds "fly", which is none of pull, resolve, push',
    ],
    ['[host."ftp://x"]', '"ftp://x" is not the URL of a host'],
    ['ca = "missing.pem"', 'no such file'],
    ['dial_timeout = "soon"', 'key dial_timeout "soon" is not a duration'],
    ['proxy = "socks5://x:1"', 'is not the URL of an http or https proxy'],
    ['server = [', 'line 1'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} and names the file`, () => {
      write('a.example/hosts.toml', text);
      expect(() => endpoints('a.example'))
        .to.throw(reason)
        .with.property('message')
        .that.contains(path.join(hostsFolder, 'a.example/hosts.toml'));
    });
  }

  it('takes tags from a host that may resolve, and content from one that may only pull', async () => {
    const [mirror, trusted] = [await FakeRegistry.start(), await FakeRegistry.start()];
    const client = new RegistryClient({ hostsFolder, retries: { attempts: 1, firstDelayMs: 1 } });
    try {
      write(
        'registry.example/hosts.toml',
        `server = "http://${trusted.address}"
         [host."http://${mirror.address}"]
           capabilities = ["pull"]
           [host."http://${mirror.address}".header]
             authorization = "Bearer of-the-file"`,
      );
      const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest };
      trusted.addManifest('1', manifest);
      const blob = mirror.addBlob(Buffer.from('content'));
      const repository = client.repository(parseReference('registry.example/app:1'));
      await repository.resolve();
      expect((await repository.document(blob)).toString()).to.equal('content');
      expect(trusted.requests.map(({ url }) => url)).to.deep.equal([
        '/v2/app/manifests/1?ns=registry.example',
      ]);
      expect(mirror.requests.map(({ url, authorization }) => [url, authorization])).to.deep.equal([
        [`/v2/app/blobs/${blob.digest}?ns=registry.example`, 'Bearer of-the-file'],
      ]);
    } finally {
      client.close();
      await mirror.stop();
      await trusted.stop();
    }
  });
});
