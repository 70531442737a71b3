/** `runtime serve`: the same commands without a process for each. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';

/** A runtime that serves, and the file that its commands log to. */
class Server {
  readonly child: ChildProcess = spawn(executablePath('runtime'), ['serve'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  private readonly channel = this.child.stdio[3] as Duplex; // 'pipe' makes a socket of it

  async call(args: readonly string[], cwd: string, stdout = '/dev/null'): Promise<number> {
    const stdio = ['/dev/null', stdout, '/dev/null'];
    this.channel.write(`${JSON.stringify({ args, cwd, stdio })}\n`);
    const [answer] = (await once(this.channel, 'data')) as [Buffer];
    return (JSON.parse(answer.toString()) as { exitCode: number }).exitCode;
  }

  openDescriptors(): number {
    return fs.readdirSync(`/proc/${this.child.pid ?? 0}/fd`).length;
  }

  async end(): Promise<void> {
    this.channel.end();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await once(this.child, 'exit');
    }
  }
}

describeContainers('runtime serve', (fixture) => {
  let server: Server;
  const call = (...args: string[]): Promise<number> => {
    const { bundle } = fixture();
    return server.call(['--root', bundle.root, ...args], bundle.directory);
  };
  const status = (): string => {
    const { bundle, id } = fixture();
    return (JSON.parse(bundle.run(['state', id]).stdout) as { status: string }).status;
  };

  beforeEach(() => {
    server = new Server();
  });
  afterEach(() => server.end());

  it('creates, starts and deletes, and keeps no descriptor of it', async () => {
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    const open: number[] = [];
    for (let round = 0; round < 3; round++) {
      expect(await call('create', id)).to.equal(0);
      expect(await call('start', id)).to.equal(0);
      await waitFor('it has ended', () => status() === 'stopped');
      expect(await call('delete', id)).to.equal(0);
      open.push(server.openDescriptors());
    }
    expect(open[2]).to.equal(open[0]);
  });

  it('gives the container the files of the request as its own', async () => {
    const { bundle, id } = fixture();
    bundle.configure(['echo', 'hello']);
    const fifo = path.join(bundle.directory, 'output');
    await once(spawn('mkfifo', [fifo]), 'exit');
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    try {
      const args = ['--root', bundle.root, 'create', id];
      expect(await server.call(args, bundle.directory, fifo)).to.equal(0);
      expect(await call('start', id)).to.equal(0);
      await waitFor('it has ended', () => status() === 'stopped');
      expect(fs.readFileSync(reader, 'utf8')).to.equal('hello\n'); // and the end: nobody else holds the FIFO
    } finally {
      fs.closeSync(reader);
    }
  });

  it('logs a failure as the command line does, and serves on', async () => {
    const { bundle, id } = fixture();
    const log = path.join(bundle.directory, 'log.json');
    const code = await call('--log', log, '--log-format', 'json', 'start', id);
    expect(code).to.equal(1);
    expect(fs.readFileSync(log, 'utf8')).to.include('"msg":"container does not exist"');
    bundle.configure(['true']);
    expect(await call('create', id)).to.equal(0);
  });

  it('can be killed without harm to its containers', async () => {
    const { bundle, id } = fixture();
    bundle.configure(['sleep', '60']);
    expect(await call('create', id)).to.equal(0);
    expect(await call('start', id)).to.equal(0);
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    expect(status()).to.equal('running');
  });
});
