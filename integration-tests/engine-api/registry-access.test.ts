/** Registries that want to see who asks: TLS with an authority of their own, passwords, tokens; mirrors; search. */
import type { ChildProcess } from 'node:child_process';
import dns from 'node:dns/promises';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { checked, type CommandResult, run, runOk } from '../harness/command.ts';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { freePort, startClosedRegistry, startTokenRegistry } from './registries.ts';

/** A name of loopback that is not taken for loopback, so that certificates matter. */
const host = os.hostname().toLowerCase();

describe('registries', function () {
  this.timeout(120_000);
  let scratch = '';
  let open: string;
  let closed: string;
  let certificates: string;
  let server: ChildProcess | undefined;
  let stack: Stack | undefined;

  const docker = (...args: string[]): Promise<CommandResult> =>
    run('docker', ['-H', stack?.host ?? '', ...args], { env: { DOCKER_CONFIG: scratch } });
  const { ok } = checked(docker);
  const login = (password: string): Promise<CommandResult> =>
    run('docker', ['-H', stack?.host ?? '', 'login', '-u', 'user', '--password-stdin', closed], {
      env: { DOCKER_CONFIG: scratch },
      input: password,
    });

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker', 'docker-registry', 'openssl');
    open = await devRegistry(this);
    const own = (await dns.lookup(host, 4)).address;
    if (!own.startsWith('127.'))
      skip(this, `"${host}" is not a name of loopback`, { allowedInCi: true });
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'registries-'));
    closed = `${host}:${await freePort(own)}`;
    certificates = `/etc/docker/certs.d/${closed}`;
    server = await startClosedRegistry(scratch, closed, own);
    stack = await Stack.start({ arguments: ['--registry-mirror', `http://${open}`] });
    await ok('pull', '-q', `${open}/busybox`);
    await ok('tag', `${open}/busybox`, `${closed}/busybox`);
  });

  after(async () => {
    await stack?.stop();
    server?.kill();
    if (certificates) fs.rmSync(certificates, { recursive: true, force: true });
    if (scratch) fs.rmSync(scratch, { recursive: true, force: true });
  });

  it('are refused while nobody vouches for them', async () => {
    const { stderr, status } = await docker('push', `${closed}/busybox`);
    expect(status).to.equal(1);
    expect(stderr).to.contain('x509: certificate signed by unknown authority');
  });

  it('are trusted by an authority in certs.d, and want a password', async () => {
    fs.mkdirSync(certificates, { recursive: true });
    fs.copyFileSync(path.join(scratch, 'cert.pem'), path.join(certificates, 'ca.crt'));
    const { stderr } = await docker('push', `${closed}/busybox`);
    expect(stderr).to.match(/no basic auth credentials/);
    const wrong = await login('wrong');
    expect(wrong.status).to.equal(1);
    expect(wrong.stderr).to.contain(
      `login attempt to https://${closed}/v2/ failed with status: 401 Unauthorized`,
    );
    expect((await login('secret')).stdout).to.contain('Login Succeeded');
    expect(await ok('push', `${closed}/busybox`)).to.match(/latest: digest: sha256:/);
    await ok('rmi', `${closed}/busybox`);
    expect(await ok('pull', '-q', `${closed}/busybox`)).to.equal(`${closed}/busybox:latest`);
    expect(await ok('run', '--rm', `${closed}/busybox`, 'echo', 'there')).to.equal('there');
  });

  it('are searched by their catalog where they have no index', async () => {
    const found = await ok('search', '--format', '{{.Name}}', `${open}/busy`);
    expect(found).to.equal('busybox');
    expect(await ok('search', '--format', '{{.Name}}', '--limit', '1', `${closed}/`)).to.equal(
      'busybox',
    );
    expect((await docker('search', '--limit', '101', `${open}/x`)).stderr).to.contain(
      'limit 101 is outside the range of [1, 100]',
    );
    expect(await ok('search', '--format', '{{.Name}}', '-f', 'stars=1', `${open}/busy`)).to.equal(
      '',
    );
    expect((await docker('search', '-f', 'nope=1', `${open}/x`)).stderr).to.contain(
      "invalid filter 'nope'",
    );
  });

  it('say which image a name is, for which platforms', async () => {
    const api = (name: string) =>
      runOk('curl', [
        ...[
          '-s',
          '-w',
          '\n%{http_code}',
          '--unix-socket',
          stack?.host.replace('unix://', '') ?? '',
        ],
        `http://localhost/distribution/${name}/json`,
      ]);
    const [body = '', status] = (await api(`${open}/multi:latest`)).stdout.trim().split(/\n+/);
    expect(status).to.equal('200');
    const { Descriptor: descriptor, Platforms: platforms } = JSON.parse(body) as {
      Descriptor: { digest: string; mediaType: string };
      Platforms: { architecture: string }[];
    };
    expect(descriptor.mediaType).to.equal('application/vnd.oci.image.index.v1+json');
    expect(platforms.map(({ architecture }) => architecture).sort()).to.deep.equal([
      'amd64',
      'arm64',
    ]);
    const missing = (await api(`${open}/nosuch`)).stdout.trim().split(/\n+/);
    expect(missing).to.deep.equal(['{"message":"manifest unknown: manifest unknown"}', '404']);
  });

  it('are asked through mirrors for images of Docker Hub', async () => {
    await runOk('skopeo', [
      ...['copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false'],
      ...[`docker://${open}/busybox`, `docker://${open}/library/mirrored`],
    ]);
    expect(await ok('pull', '-q', 'mirrored')).to.equal('docker.io/library/mirrored:latest');
    expect(await ok('info', '-f', '{{.RegistryConfig.Mirrors}}')).to.contain(open);
  });

  it('that ask for a token get one, for the identity token of a login too', async () => {
    const tokens = await startTokenRegistry();
    try {
      const logged = await run(
        'docker',
        ['-H', stack?.host ?? '', 'login', '-u', 'user', '--password-stdin', tokens.address],
        { env: { DOCKER_CONFIG: scratch }, input: 'secret' },
      );
      expect(logged.stdout, logged.stderr).to.contain('Login Succeeded');
      const config = fs.readFileSync(path.join(scratch, 'config.json'), 'utf8');
      expect(config).to.contain('"identitytoken": "refresh-1"');
      const { stderr } = await docker('pull', `${tokens.address}/app`);
      expect(stderr).to.contain('manifest unknown');
      expect(tokens.granted).to.include('refresh_token repository:app:pull');
      const refused = await run(
        'docker',
        ['-H', stack?.host ?? '', 'login', '-u', 'user', '--password-stdin', tokens.address],
        { env: { DOCKER_CONFIG: scratch }, input: 'wrong' },
      );
      expect(refused.stderr).to.contain('unauthorized: incorrect username or password');
    } finally {
      await tokens.stop();
    }
  });

  it('with impossible names stop engined from starting', async () => {
    const { status, stderr } = await run(executablePath('engined'), [
      ...['--config-file', '/dev/null', '--insecure-registry', 'ftp://x'],
    ]);
    expect(status).to.not.equal(0);
    expect(stderr).to.contain("insecure registry ftp://x should not contain '://'");
  });
});
