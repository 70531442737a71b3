/** `runtime serve`: the same commands without a process for each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';
import { ServingRuntime } from './serving-runtime.ts';

describeContainers('runtime serve', (fixture) => {
  let server: ServingRuntime;
  const call = (...args: string[]) => {
    const { bundle } = fixture();
    return server.call({ args: ['--root', bundle.root, ...args], cwd: bundle.directory });
  };
  const status = (): string => {
    const { bundle, id } = fixture();
    return (JSON.parse(bundle.run(['state', id]).stdout) as { status: string }).status;
  };

  beforeEach(() => {
    server = new ServingRuntime();
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
      const command = { args, cwd: bundle.directory, stdout: fifo };
      expect(await server.call(command)).to.equal(0);
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
    await server.kill();
    expect(status()).to.equal('running');
  });

  it('hands on no descriptor of its own, neither for --preserve-fds nor for LISTEN_FDS', async () => {
    const { bundle, id, rootfs } = fixture();
    await server.end();
    const listening = 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'; // the channel, if it were believed
    server = new ServingRuntime(['sh', '-c', listening, 'sh', executablePath('runtime'), 'serve']);
    bundle.configure(['sh', '-c', 'ls /proc/1/fd > /descriptors & wait'], ({ root }) => {
      root.readonly = false;
    });
    const log = path.join(bundle.directory, 'log.json');
    expect(await call('--log', log, 'create', '--preserve-fds', '1', id)).to.equal(1);
    expect(fs.readFileSync(log, 'utf8')).to.contain('serve has no descriptors to hand on');
    expect(await call('create', id)).to.equal(0);
    expect(await call('start', id)).to.equal(0);
    await waitFor('it has ended', () => status() === 'stopped');
    expect(fs.readFileSync(path.join(rootfs, 'descriptors'), 'utf8')).to.equal('0\n1\n2\n');
  });
});
