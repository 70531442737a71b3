/** Log drivers as users choose them: with the docker CLI, read by docker's own daemon, sent to a server. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

describe('log drivers', () => {
  let stack: Stack;
  let busybox: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker');
    busybox = `${await devRegistry(this)}/busybox`;
    const defaults = ['--log-driver', 'local', '--log-opt', 'max-size=1m'];
    stack = await Stack.start({ arguments: defaults });
    await stack.engineOk('pull', '-q', busybox);
  });

  after(async () => {
    await stack.stop();
  });

  async function docker(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await stack.docker(...args);
    expect(status, `${args.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  }

  const folderOf = (id: string): string => path.join(stack.root, 'data/containers', id);

  it('are those that info lists, and the one of the flags for who chooses none', async () => {
    const [fallback, names] = (
      await docker('info', '-f', '{{.LoggingDriver}} {{json .Plugins.Log}}')
    ).split(' ');
    expect(fallback).to.equal('local');
    expect(JSON.parse(names ?? '')).to.deep.equal(['journald', 'json-file', 'local', 'syslog']);
    await docker('create', '--name', 'default', busybox);
    const config = await docker('inspect', '-f', '{{json .HostConfig.LogConfig}}', 'default');
    expect(JSON.parse(config)).to.deep.equal({ Type: 'local', Config: { 'max-size': '1m' } });
    await docker('rm', 'default');
    const refused = await stack.docker('create', '--log-driver', 'gelf', busybox);
    expect(refused.stderr).to.contain("logger: no log driver named 'gelf' is registered");
  });

  for (const driver of ['json-file', 'local']) {
    it(`${driver}: gives back lines with times and details, across rotations`, async function () {
      this.timeout(60_000);
      const options = [
        '--log-opt',
        'max-size=100k',
        '--log-opt',
        'max-file=3',
        '--log-opt',
        'compress=true',
      ];
      const details = [
        '--log-opt',
        'labels=tier',
        '--log-opt',
        'tag={{.Name}}',
        '--label',
        'tier=a b',
      ];
      const id = (
        await docker(
          ...['run', '-d', '--name', 'rotated', '--log-driver', driver, ...options, ...details],
          ...[busybox, 'sh', '-c', 'seq 1 20000; echo end >&2'],
        )
      ).trim();
      await docker('wait', 'rotated');
      const folder = driver === 'local' ? path.join(folderOf(id), 'local-logs') : folderOf(id);
      await waitFor('two compressed files', () => {
        const names = fs.readdirSync(folder);
        return names.filter((name) => name.endsWith('.gz')).length === 2;
      });
      const { stdout, stderr } = await stack.docker('logs', 'rotated');
      const numbers = stdout.trimEnd().split('\n').map(Number);
      const first = numbers[0] ?? 0;
      expect(numbers).to.deep.equal(Array.from(numbers, (_, index) => first + index));
      expect([first > 1, numbers.at(-1), stderr]).to.deep.equal([true, 20000, 'end\n']);
      const last = await docker('logs', '--tail', '2', '--details', '--timestamps', 'rotated');
      expect(last).to.match(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z tag=rotated,tier=a\+b 20000\n$/,
      );
      const time = last.split(' ')[0] ?? '';
      expect(await docker('logs', '--since', time, 'rotated')).to.contain('20000\n');
      await docker('rm', 'rotated');
    });
  }

  it('local: writes what dockerd reads as its own', async function () {
    this.timeout(120_000);
    const script = `echo one; head -c 20000 /dev/zero | tr '\\0' x; echo; echo bad >&2; printf end`;
    const id = (await docker('run', '-d', '--name', 'ours', busybox, 'sh', '-c', script)).trim();
    await docker('wait', 'ours');
    const real = await RealDocker.start({ ownNetns: true });
    try {
      const saved = path.join(stack.root, 'busybox.tar');
      await docker('save', '-o', saved, busybox);
      await real.dockerOk('load', '-i', saved);
      const options = ['-d', '--network', 'none', '--log-driver', 'local'];
      const theirs = await real.dockerOk('run', ...options, busybox, 'sh', '-c', script);
      await real.dockerOk('wait', theirs);
      const logs = async () => {
        const { stdout, stderr } = await real.docker(['logs', theirs]);
        return { stdout: stdout.replace(/x+/g, (run) => `<${run.length}>`), stderr };
      };
      const expected = await logs();
      expect(expected.stdout).to.match(/^one\n<20000>\n?end$/); // 20.10 loses the newline of a long line
      const file = 'local-logs/container.log';
      fs.copyFileSync(
        path.join(folderOf(id), file),
        path.join(real.root, 'docker-root/containers', theirs, file),
      );
      expect(await logs()).to.deep.equal(expected);
    } finally {
      await real.stop();
    }
    expect(await docker('logs', 'ours')).to.match(/^one\nx{20000}\nend$/);
    await docker('rm', 'ours');
  });

  it('syslog: sends lines to a server, and keeps them for logs', async () => {
    let received = '';
    const server = net.createServer((socket) =>
      socket.on('data', (data) => (received += String(data))),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const address = `syslog-address=tcp://127.0.0.1:${port}`;
    const run = ['run', '--name', 'sent', '--log-driver', 'syslog', '--log-opt', address];
    await docker(...run, '--log-opt', 'tag=web', busybox, 'sh', '-c', 'echo hello; echo bye');
    await waitFor('both lines', () => received.includes('bye'));
    server.close();
    expect(received).to.match(/^<30>.* web\[\d+\]: hello\n<30>.* web\[\d+\]: bye\n$/);
    expect(await docker('logs', 'sent')).to.equal('hello\nbye\n');
    await docker('rm', 'sent');
    const refused = await stack.docker(...run, busybox, 'true');
    expect(refused.stderr)
      .to.contain('failed to initialize logging driver')
      .and.to.contain('ECONNREFUSED');
    await docker('rm', 'sent');
  });

  it('a server that takes nothing stops nobody in non-blocking mode', async function () {
    this.timeout(60_000);
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => sockets.push(socket.pause()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const options = [
      `syslog-address=tcp://127.0.0.1:${port}`,
      'mode=non-blocking',
      'max-buffer-size=64k',
    ];
    const flags = options.flatMap((option) => ['--log-opt', option]);
    const script = `yes ${'x'.repeat(79)} | head -c 20000000`;
    await docker(
      'run',
      '--log-driver',
      'syslog',
      ...flags,
      '--name',
      'stuck',
      busybox,
      'sh',
      '-c',
      `${script} >&2`,
    );
    const counted = /"dropped":(\d+)/;
    await waitFor('a count of what was dropped', () => {
      const found = counted.exec(fs.readFileSync(stack.logFile, 'utf8'));
      return Number(found?.[1] ?? 0) > 0;
    });
    for (const socket of sockets) socket.destroy();
    server.close();
    await docker('rm', 'stuck');
  });
});
