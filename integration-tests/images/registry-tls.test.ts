import dns from 'node:dns/promises';
import fs from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { RegistryClient, type RegistryClientOptions } from '#lib/registry/registry-client';
import { digestOf } from '#spec/digest';
import { mediaTypes } from '#spec/oci/image';
import { parseReference } from '#spec/reference';
import { runOk } from '../harness/command.ts';
import { needPeers, skip } from '../harness/peers.ts';

const manifest = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest });
/** A name of loopback that is not taken for loopback, so that certificates matter. */
const host = os.hostname().toLowerCase();

describe('RegistryClient over TLS', () => {
  let server: https.Server;
  let scratch = '';
  let address: string;
  /** The loopback address behind the name. */
  let own: string;

  before(async function () {
    const { openssl } = needPeers(this, 'openssl');
    own = (await dns.lookup(host, 4)).address;
    if (!own.startsWith('127.'))
      skip(this, `"${host}" is not a name of loopback`, { allowedInCi: true });
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'registry-tls-'));
    const [key, certificate] = [path.join(scratch, 'key.pem'), path.join(scratch, 'cert.pem')];
    const names = `subjectAltName=DNS:${host}`;
    await runOk(openssl, [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=registry'],
      ...['-keyout', key, '-out', certificate, '-addext', names],
    ]);
    const options = { key: fs.readFileSync(key), cert: fs.readFileSync(certificate) };
    server = https.createServer(options, (_request, response) => response.end(manifest));
    await new Promise<void>((resolve) => server.listen(0, own, resolve));
    address = `${host}:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    if (!scratch) return; // skipped
    server.close();
    fs.rmSync(scratch, { recursive: true, force: true });
  });

  async function resolve(name: string, options: RegistryClientOptions = {}): Promise<string> {
    const client = new RegistryClient(options);
    try {
      const { descriptor } = await client.repository(parseReference(`${name}/app:1`)).resolve();
      return descriptor.digest;
    } catch (error) {
      return String(error);
    } finally {
      client.close();
    }
  }

  it('refuses a certificate that nobody vouches for', async () => {
    expect(await resolve(address)).to.equal(
      `StackError: Get "https://${address}/v2/app/manifests/1": x509: certificate signed by unknown authority`,
    );
  });

  it('takes any certificate on loopback and from a registry that is called insecure', async () => {
    expect(await resolve(address, { insecureRegistries: [address] })).to.equal(digestOf(manifest));
    expect(await resolve(address.replace(host, own))).to.equal(digestOf(manifest));
  });
});
