/** Where engined listens: sockets and their permissions, TLS with certificates of clients, sockets of a service manager. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { ApiClient } from '../engine-api/api-client.ts';
import { run, type CommandResult } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { makeCertificates } from './certificates.ts';

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('where engined listens', () => {
  let folder: string;
  let stack: Stack;
  let busybox: string;
  let tcp: string;
  let plain: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker', 'openssl');
    folder = fs.mkdtempSync('/tmp/listeners-');
    await makeCertificates(folder);
    tcp = `tcp://127.0.0.1:${await freePort()}`;
    plain = `tcp://127.0.0.1:${await freePort()}`;
    const server = path.join(folder, 'server');
    stack = await Stack.start({
      arguments: [
        ...['-H', tcp, '-H', `unix://${folder}/second.sock`, '--group', 'daemon', '--tlsverify'],
        ...['--tlscacert', `${server}/ca.pem`],
        ...['--tlscert', `${server}/cert.pem`, '--tlskey', `${server}/key.pem`],
      ],
    });
    busybox = `${await devRegistry(this)}/busybox:latest`;
    await stack.engineOk('pull', '-q', busybox);
  });

  after(async () => {
    await stack.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** docker as it is used against a daemon with TLS. */
  function docker(who: string, args: string[], input = ''): Promise<CommandResult> {
    const env = { DOCKER_HOST: tcp, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: `${folder}/${who}` };
    return run('docker', args, { env, input });
  }

  it('serves docker over TLS, streams and the end of input included', async () => {
    const version = await docker('client', ['version', '--format', '{{.Server.APIVersion}}']);
    expect([version.status, version.stdout], version.stderr).to.deep.equal([0, '1.51\n']);
    const { stdout, stderr, status } = await docker(
      'client',
      ['run', '--rm', '-i', busybox, 'sh', '-c', 'wc -c; echo err >&2; exit 3'],
      'x'.repeat(300_000),
    );
    expect([status, stdout, stderr]).to.deep.equal([3, '300000\n', 'err\n']);
  });

  it('turns away who has no certificate, or that of another authority', async () => {
    const stranger = await docker('stranger', ['version']);
    expect(stranger.status).to.equal(1);
    expect(stranger.stderr).to.match(/tls: (unknown certificate authority|certificate required)/);
    const nobody = await run('curl', ['-sS', '-k', tcp.replace('tcp', 'https') + '/_ping']);
    expect(nobody.status).to.not.equal(0);
    const unencrypted = await run('curl', ['-sS', tcp.replace('tcp', 'http') + '/_ping']);
    expect(unencrypted.stdout).to.not.include('OK');
    expect((await docker('client', ['version'])).status).to.equal(0);
  });

  it('gives its sockets to one group and keeps everybody else out', () => {
    for (const socket of [`${folder}/second.sock`, path.join(stack.root, 'engine.sock')]) {
      const { mode, uid, gid } = fs.statSync(socket);
      expect([mode & 0o777, uid, gid]).to.deep.equal([0o660, 0, 1]);
    }
  });

  it('says on which files TLS fails, and which group there is not, before anything starts', async () => {
    const cases: [string[], string][] = [
      [['--tls', '--tlscert', '/none'], 'could not load X509 key pair (cert: "/none"'],
      [
        ['--tls', '--tlscert', `${folder}/server/cert.pem`, '--tlskey', `${folder}/client/key.pem`],
        'private key does not match public key',
      ],
      [
        [
          ...['--tlsverify', '--tlscacert', '/none'],
          ...['--tlscert', `${folder}/server/cert.pem`, '--tlskey', `${folder}/server/key.pem`],
        ],
        'could not read CA certificate "/none"',
      ],
      [['--group', 'nosuchgroup'], 'group nosuchgroup not found'],
      [['-H', 'fd://'], 'no sockets found via socket activation'],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await run(executablePath('engined'), [
        ...['--config-file', '/dev/null', '--data-root', `${folder}/data`],
        ...['--exec-root', `${folder}/run`, '-H', `unix://${folder}/third.sock`, ...args],
      ]);
      expect([status, stderr]).to.satisfy(
        ([code, text]: [number, string]) => code === 1 && text.includes(message),
        `${args.join(' ')}: ${stderr}`,
      );
      expect(fs.existsSync(`${folder}/data`)).to.equal(false);
    }
  });

  it('warns about TCP without TLS, and replaces the socket of an engine that was killed', async () => {
    await stack.endEngined('SIGKILL');
    const second = await Stack.start({ arguments: ['-H', plain] });
    try {
      expect(fs.readFileSync(second.logFile, 'utf8')).to.include(
        'Binding to IP address without --tlsverify is insecure and gives root access on this machine',
      );
      expect((await run('docker', ['-H', plain, 'version'])).status).to.equal(0);
    } finally {
      await second.stop();
    }
    await stack.startEngined();
    expect((await docker('client', ['version'])).status).to.equal(0);
  });

  it('takes the sockets of a service manager, and passes none of them on', async function () {
    const { 'systemd-socket-activate': activate } = needPeers(this, 'systemd-socket-activate');
    const socket = `${folder}/activated.sock`;
    const root = `${folder}/activated`;
    const manager = spawn(
      activate,
      [
        ...['-l', socket, executablePath('engined'), '-H', 'fd://', '--config-file', '/dev/null'],
        ...['--data-root', `${root}/data`, '--exec-root', `${root}/run`, '-b', `t${process.pid}`],
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => manager.once('exit', resolve));
    try {
      await waitFor('the socket', () => fs.existsSync(socket));
      const api = new ApiClient(`unix://${socket}`);
      expect((await api.call('GET', '/_ping')).body).to.equal('OK');
      const { pid } = JSON.parse(
        fs.readFileSync(`${root}/run/containerd-lite/containerd-lite.pid`, 'utf8'),
      ) as { pid: number };
      expect(fs.readFileSync(`/proc/${pid}/environ`, 'utf8')).to.not.include('LISTEN_');
      const sockets = (of: number) =>
        fs.readdirSync(`/proc/${of}/fd`).map((fd) => fs.readlinkSync(`/proc/${of}/fd/${fd}`));
      const inherited = fs.readlinkSync(`/proc/${manager.pid}/fd/3`);
      expect(inherited).to.match(/^socket:/);
      expect(sockets(pid)).to.not.include(inherited);
    } finally {
      manager.kill('SIGTERM');
      await ended;
    }
  });
});
