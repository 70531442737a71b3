/** `engine` over TCP with TLS, to engined and to a real dockerd: certificates are asked for and checked on both sides. */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { makeCertificates } from '../daemon/certificates.ts';
import { run, type CommandOptions } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { Stack } from '../harness/stack.ts';

const engine = executablePath('engine');

const daemons = [
  { name: 'engined', start: (args: string[]) => Stack.start({ arguments: args }) },
  {
    name: 'a real dockerd',
    start: (args: string[]) =>
      RealDocker.start({ arguments: [...args, '--bridge=none', '--iptables=false'] }),
  },
];

for (const { name, start } of daemons) {
  describe(`engine over TLS to ${name}`, () => {
    let folder = '';
    let peer: { stop(): Promise<void> };
    let tcp: string;

    before(async function () {
      needRoot(this);
      needPeers(this, 'openssl', 'docker', 'dockerd', 'containerd');
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tls-'));
      await makeCertificates(folder);
      tcp = `tcp://127.0.0.1:${await freePort()}`;
      const server = path.join(folder, 'server');
      peer = await start([
        ...['-H', tcp, '--tlsverify', '--tlscacert', `${server}/ca.pem`],
        ...['--tlscert', `${server}/cert.pem`, '--tlskey', `${server}/key.pem`],
      ]);
    });
    after(async () => {
      if (!folder) return; // skipped
      await peer.stop();
      fs.rmSync(folder, { recursive: true });
    });

    const call = (args: readonly string[], options: CommandOptions = {}) =>
      run(engine, ['-H', tcp, ...args, 'version', '-f', '{{.Server.Os}}'], options);
    const as = (who: string): string[] => [
      ...['--tlscacert', `${folder}/${who}/ca.pem`, '--tlscert', `${folder}/${who}/cert.pem`],
      ...['--tlskey', `${folder}/${who}/key.pem`],
    ];

    it('shows its certificate and checks the daemon’s', async () => {
      expect(await call(['--tlsverify', ...as('client')])).to.include({
        status: 0,
        stdout: 'linux\n',
      });
    });

    it('finds certificates by the environment', async () => {
      const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: `${folder}/client` };
      expect(await call([], { env })).to.include({ status: 0, stdout: 'linux\n' });
    });

    it('is refused with the certificate of another authority, and without any', async () => {
      expect((await call(['--tlsverify', ...as('stranger')])).status).to.equal(1);
      const env = { DOCKER_CERT_PATH: `${folder}/nowhere` };
      expect((await call(['--tls'], { env })).status).to.equal(1);
    });

    it('does not talk to a daemon whose certificate another authority signed', async () => {
      const { status, stderr } = await call([
        ...['--tlsverify', ...as('client'), '--tlscacert', `${folder}/other.pem`],
      ]);
      expect(status).to.equal(1);
      expect(stderr).to.contain('error during connect');
      // Without --tlsverify nobody asked it to look.
      const unverified = ['--tls', ...as('client'), '--tlscacert', `${folder}/other.pem`];
      expect(await call(unverified)).to.include({ status: 0, stdout: 'linux\n' });
    });

    it('says which file it could not read, and what a daemon without TLS would hear', async () => {
      const { status, stderr } = await call(['--tlsverify', '--tlscacert', '/no/ca.pem']);
      expect(status).to.equal(1);
      expect(stderr).to.contain('"/no/ca.pem"');
      const plain = await call([]);
      expect(plain.status).to.equal(1);
      expect(plain.stderr).to.match(/HTTP request to an HTTPS server|error during connect/);
    });
  });
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
