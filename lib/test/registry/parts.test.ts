import { expect } from 'chai';
import { parseChallenges } from '#lib/registry/authenticate';
import { decodeRegistryAuth } from '#lib/registry/credentials';
import { endpoint } from '#lib/registry/endpoint';
import { endpointsOf, isInsecure, parseMirror } from '#lib/registry/endpoints';
import {
  formatPlatform,
  parsePlatform,
  platformMatches,
  selectManifest,
} from '#lib/registry/platform';
import { mediaTypes } from '#spec/oci/image';

describe('parseChallenges', () => {
  it('reads several challenges, quoted commas and bare values', () => {
    expect(
      parseChallenges('Bearer realm="https://a/t",service="b,c",scope=x, Basic realm="r \\" q"'),
    ).to.deep.equal([
      { scheme: 'bearer', parameters: { realm: 'https://a/t', service: 'b,c', scope: 'x' } },
      { scheme: 'basic', parameters: { realm: 'r " q' } },
    ]);
    expect(parseChallenges('')).to.deep.equal([]);
  });
});

describe('decodeRegistryAuth', () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('reads what clients send', () => {
    expect(
      decodeRegistryAuth(encode({ username: 'ü', password: 'p', serveraddress: 'x' })),
    ).to.deep.equal({
      username: 'ü',
      password: 'p',
    });
    expect(decodeRegistryAuth(encode({ identitytoken: 't' }))).to.deep.equal({
      identityToken: 't',
    });
    expect(decodeRegistryAuth(encode({ RegistryToken: 't' }))).to.deep.equal({
      registryToken: 't',
    });
    const auth = Buffer.from('user:pass:word').toString('base64');
    expect(decodeRegistryAuth(encode({ auth }))).to.deep.equal({
      username: 'user',
      password: 'pass:word',
    });
  });

  it('tolerates what is none', () => {
    for (const header of [undefined, '', '!!', encode({}), encode([]), encode('x'), encode(null)]) {
      expect(decodeRegistryAuth(header)).to.equal(undefined);
    }
  });
});

describe('endpointsOf', () => {
  it('asks mirrors for Docker Hub only', () => {
    const settings = { mirrors: ['https://m.example/'] };
    expect(
      endpointsOf('docker.io', settings).map(({ url, mirror }) => [url, mirror]),
    ).to.deep.equal([
      ['https://m.example/v2', true],
      ['https://registry-1.docker.io/v2', false],
    ]);
    expect(endpointsOf('quay.io', settings)).to.deep.equal([endpoint('https://quay.io/v2')]);
  });

  it('allows plain HTTP on loopback and where it is configured', () => {
    const insecure = ['10.0.0.0/8', 'plain.example:5000', 'fd00::/8'];
    for (const domain of [
      '127.0.0.1:5000',
      '127.9.9.9',
      'localhost:1',
      '[::1]:5000',
      '10.1.2.3:80',
      'plain.example:5000',
      '[fd00::1]',
    ]) {
      expect(isInsecure(domain, insecure), domain).to.equal(true);
    }
    for (const domain of [
      'plain.example',
      '11.0.0.1',
      '128.0.0.1',
      'localhost.example',
      '[::2]:80',
    ]) {
      expect(isInsecure(domain, insecure), domain).to.equal(false);
    }
  });

  it('refuses mirrors that are no URLs', () => {
    for (const mirror of [
      'm.example',
      'ftp://m.example',
      'https://u:p@m.example',
      'https://m.example/?x=1',
    ]) {
      expect(() => parseMirror(mirror), mirror).to.throw(`"${mirror}"`);
    }
  });
});

describe('platforms', () => {
  const manifests = [
    'linux/amd64',
    'linux/arm64/v8',
    'linux/arm/v6',
    'linux/arm/v7',
    'windows/amd64',
  ].map((text, i) => ({
    mediaType: mediaTypes.ociManifest,
    digest: `sha256:${String(i).repeat(64)}`,
    size: 1,
    platform: parsePlatform(text),
  }));
  const chosen = (text: string) =>
    formatPlatform(selectManifest(manifests, parsePlatform(text)).platform!);

  it('chooses what fits best', () => {
    expect(chosen('linux/amd64')).to.equal('linux/amd64');
    expect(chosen('x86_64')).to.equal('linux/amd64');
    expect(chosen('aarch64')).to.equal('linux/arm64/v8');
    expect(chosen('linux/arm64')).to.equal('linux/arm64/v8');
    expect(chosen('linux/arm')).to.equal('linux/arm/v7');
    expect(chosen('linux/arm/v6')).to.equal('linux/arm/v6');
    expect(chosen('windows/amd64')).to.equal('windows/amd64');
    expect(() => chosen('linux/s390x')).to.throw(
      'no matching manifest for linux/s390x in the manifest list entries',
    );
    expect(() => chosen('linux/arm/v5')).to.throw('no matching manifest');
  });

  it('refuses what is no platform', () => {
    for (const text of ['', 'a/b/c/d', 'linux/', 'li nux/amd64']) {
      expect(() => parsePlatform(text), text).to.throw(
        /invalid component|cannot parse platform specifier/,
      );
    }
  });

  it('takes a missing variant for the usual one', () => {
    expect(platformMatches(parsePlatform('linux/arm64'), parsePlatform('linux/arm64/v8'))).to.equal(
      true,
    );
    expect(platformMatches(parsePlatform('linux/arm/v6'), parsePlatform('linux/arm'))).to.equal(
      false,
    );
  });
});
