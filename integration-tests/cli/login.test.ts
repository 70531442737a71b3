/** Credentials: asked of a registry by the daemon, kept in docker's config.json or by a helper, sent with a pull. */
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run, type CommandOptions, type CommandResult } from '../harness/command.ts';

const engine = executablePath('engine');

/** A daemon of which only what logging in asks for is there; it knows one user. */
function startDaemon(seen: { auth?: string | undefined }): http.Server {
  return http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.setHeader('Api-Version', '1.51');
      const url = request.url ?? '';
      if (url === '/_ping') response.end();
      else if (url.endsWith('/auth')) {
        const { username, password } = JSON.parse(body) as Record<string, string>;
        const isKnown = username === 'ann' && password === 'secret';
        const isToken = username === 'token' && password === 'secret';
        response.statusCode = isKnown || isToken ? 200 : 401;
        const answer = isToken
          ? { Status: 'Login Succeeded', IdentityToken: 'a-token' }
          : isKnown
            ? { Status: 'Login Succeeded' }
            : { message: 'unauthorized: incorrect username or password' };
        response.end(JSON.stringify(answer));
      } else {
        const header = request.headers['x-registry-auth'];
        seen.auth =
          typeof header === 'string' ? Buffer.from(header, 'base64url').toString() : undefined;
        response.end('{"status":"Status: Image is up to date"}\n');
      }
    });
  });
}

describe('engine login', () => {
  const registry = 'registry.example:5000';
  const seen: { auth?: string | undefined } = {};
  let daemon: http.Server;
  let folder: string;
  let host: string;

  before(async () => {
    daemon = startDaemon(seen);
    await new Promise<void>((resolve) => daemon.listen(0, '127.0.0.1', resolve));
    host = `tcp://127.0.0.1:${(daemon.address() as AddressInfo).port}`;
  });
  after(() => {
    daemon.close();
    daemon.closeAllConnections();
  });
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'login-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const call = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
    run(engine, ['-H', host, '--config', folder, ...args], options);
  const logIn = (user: string, password: string, options: CommandOptions = {}) =>
    call(['login', '-u', user, '--password-stdin', registry], {
      ...options,
      input: `${password}\n`,
    });
  const config = (): unknown =>
    JSON.parse(fs.readFileSync(path.join(folder, 'config.json'), 'utf8')) as unknown;

  it('keeps what the registry accepted where docker finds it, and sends it with a pull', async () => {
    fs.writeFileSync(path.join(folder, 'config.json'), '{"psFormat":"table {{.ID}}"}');
    const { status, stdout, stderr } = await logIn('ann', 'secret');
    expect({ status, stdout }).to.deep.equal({ status: 0, stdout: 'Login Succeeded\n' });
    expect(stderr).to.contain(`stored unencrypted in '${folder}/config.json'`);
    expect(config()).to.deep.equal({
      psFormat: 'table {{.ID}}',
      auths: { [registry]: { auth: Buffer.from('ann:secret').toString('base64') } },
    });
    expect(fs.statSync(path.join(folder, 'config.json')).mode & 0o777).to.equal(0o600);
    await call(['pull', '-q', `${registry}/team/app`]);
    expect(JSON.parse(seen.auth ?? '')).to.include({ username: 'ann', password: 'secret' });
    await call(['pull', '-q', 'busybox']);
    expect(seen.auth).to.equal(undefined);
    const again = await call(['login', registry]);
    expect(again.stderr).to.contain('Authenticating with existing credentials... [Username: ann]');
    expect(again.stdout).to.equal('Login Succeeded\n');
  });

  it('keeps nothing that the registry refused', async () => {
    const { status, stderr } = await logIn('ann', 'wrong');
    expect(status).to.equal(1);
    expect(stderr).to.contain('unauthorized: incorrect username or password');
    expect(fs.existsSync(path.join(folder, 'config.json'))).to.equal(false);
  });

  it('forgets at logout, longer names of the registry included', async () => {
    const auths = { [registry]: {}, [`https://${registry}`]: {}, 'other.example': {} };
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ auths }));
    const { stdout } = await call(['logout', registry]);
    expect(stdout).to.equal(`Removing login credentials for ${registry}\n`);
    expect(config()).to.deep.equal({ auths: { 'other.example': {} } });
  });

  it('asks a helper where the configuration names one', async () => {
    const helper = path.join(folder, 'docker-credential-testing');
    fs.writeFileSync(
      helper,
      `#!/bin/sh
case $1 in
store) cat > ${folder}/kept ;;
get) read server; [ -e ${folder}/kept ] && cat ${folder}/kept || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm ${folder}/kept ;;
esac
`,
      { mode: 0o755 },
    );
    const content = JSON.stringify({ credHelpers: { [registry]: 'testing' } });
    fs.writeFileSync(path.join(folder, 'config.json'), content);
    const options = { env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` } };
    expect((await logIn('token', 'secret', options)).stdout).to.equal('Login Succeeded\n');
    expect(fs.readFileSync(path.join(folder, 'config.json'), 'utf8')).to.equal(content);
    expect(JSON.parse(fs.readFileSync(path.join(folder, 'kept'), 'utf8'))).to.deep.equal({
      ServerURL: registry,
      Username: '<token>',
      Secret: 'a-token',
    });
    await call(['pull', '-q', `${registry}/app`], options);
    expect(JSON.parse(seen.auth ?? '')).to.include({ identitytoken: 'a-token' });
    await call(['logout', registry], options);
    expect(fs.existsSync(path.join(folder, 'kept'))).to.equal(false);
    await call(['pull', '-q', `${registry}/app`], options);
    expect(seen.auth).to.equal(undefined);
    const without = await call(['pull', '-q', `${registry}/app`]);
    expect(without.stderr).to.contain('docker-credential-testing');
    expect(without.stderr).to.contain('executable file not found');
  });

  it('says what is missing, and what is broken', async () => {
    const failure = async (...args: string[]): Promise<string> => {
      const { status, stderr } = await call(['login', ...args], { input: '' });
      expect(status).to.equal(1);
      return stderr.trim();
    };
    expect(await failure(registry)).to.contain(
      'Cannot perform an interactive login from a non TTY device',
    );
    expect(await failure('--password-stdin', registry)).to.equal('username is empty');
    expect(await failure('-u', 'ann', '--password-stdin', registry)).to.equal('password is empty');
    expect(await failure('-u', 'ann', '-p', 'x', '--password-stdin', registry)).to.contain(
      'conflicting options',
    );
    fs.writeFileSync(path.join(folder, 'config.json'), '{');
    expect(await failure(registry)).to.contain(`cannot load config file "${folder}/config.json"`);
  });
});
