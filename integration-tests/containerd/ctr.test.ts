/** The real ctr (containerd 1.6) over containerd-lite, with the real shim and with ours below it. */
import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { ContainerdLite } from './containerd-lite.ts';

describe('ctr over containerd-lite', () => {
  const containerd = new ContainerdLite();
  let busybox: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr', 'containerd-shim-runc-v2', 'runc');
    busybox = `${await devRegistry(this)}/busybox:latest`;
    await containerd.start();
    await containerd.ctrOk('images', 'pull', '--plain-http', busybox);
  });

  after(async () => containerd.remove());

  it('pulls: image, content by digest, committed snapshots, no lease left', async () => {
    expect(await containerd.ctrOk('images', 'ls', '-q')).to.equal(busybox);
    const digests = (await containerd.ctrOk('content', 'ls', '-q')).split('\n');
    for (const digest of digests) {
      const blob = path.join(
        containerd.folder,
        'root/io.containerd.content.v1.content/blobs/sha256',
        digest.slice('sha256:'.length),
      );
      expect(fs.statSync(blob).mode & 0o222).to.equal(0);
    }
    const snapshots = await containerd.ctrOk('snapshots', 'ls');
    expect(snapshots)
      .to.match(/Committed/)
      .and.not.match(/Active/);
    expect(await containerd.ctrOk('leases', 'ls', '-q')).to.equal('');
  });

  it('reads content back by digest', async () => {
    const [digest = ''] = (await containerd.ctrOk('content', 'ls', '-q')).split('\n');
    const { stdout } = await containerd.ctr('content', 'get', digest);
    expect(stdout.length).to.be.greaterThan(0);
  });

  it('deletes an image with all that it alone kept', async () => {
    const namespaced = ['-n', `${containerd.namespace}-deletion`];
    await containerd.ctrOk(...namespaced, 'images', 'pull', '--plain-http', busybox);
    await containerd.ctrOk(...namespaced, 'images', 'rm', '--sync', busybox);
    expect(await containerd.ctrOk(...namespaced, 'content', 'ls', '-q')).to.equal('');
    const snapshots = await containerd.ctrOk(...namespaced, 'snapshots', 'ls');
    expect(snapshots.split('\n')).to.have.length(1);
    expect(await containerd.ctrOk('content', 'ls', '-q')).to.not.equal('');
    await waitFor(
      'the namespace to be empty',
      async () =>
        (await containerd.ctr('namespaces', 'rm', `${containerd.namespace}-deletion`)).status === 0,
    );
  });

  it('lists plugins by type', async () => {
    const plugins = await containerd.ctrOk('plugins', 'ls', 'type~=snapshotter');
    expect(plugins)
      .to.match(/snapshotter\.v1 +overlayfs/)
      .and.not.match(/content/);
  });

  it('keeps labels of namespaces', async () => {
    await containerd.ctrOk('namespaces', 'create', 'labelled', 'a=1');
    await containerd.ctrOk('namespaces', 'label', 'labelled', 'b=2');
    expect(await containerd.ctrOk('namespaces', 'ls')).to.match(/labelled +a=1,b=2/);
    await containerd.ctrOk('namespaces', 'rm', 'labelled');
  });

  it('leaves nothing behind when there is no such runtime', async () => {
    const result = await containerd.ctr('run', '--runtime', 'io.x.none.v9', busybox, 'no', 'true');
    expect(result.status).to.not.equal(0);
    expect(result.stderr).to.contain('containerd-shim-none-v9');
    await containerd.ctrOk('containers', 'rm', 'no');
    expect(containerd.leftovers()).to.deep.equal([]);
  });

  for (const runtime of ['io.containerd.runc.v2', 'io.containerd.lite.v2']) {
    describe(`with ${runtime}`, () => {
      before(function () {
        if (runtime.includes('lite') && !fs.existsSync(executablePath('containerd-shim-lite-v2'))) {
          skip(this, 'containerd-shim-lite-v2 is not built');
        }
      });

      afterEach(() => {
        expect(containerd.leftovers()).to.deep.equal([]);
      });

      const runArgs = (...args: string[]) => ['run', '--runtime', runtime, ...args];
      const remove = async (id: string) => {
        await containerd.ctr('tasks', 'rm', '--force', id);
        await containerd.ctrOk('containers', 'rm', id);
      };

      it('runs to the end with output and exit status', async () => {
        const script = 'echo out; echo err >&2; exit 7';
        const result = await containerd.ctr(...runArgs('--rm', busybox, 'r1', 'sh', '-c', script));
        expect(result).to.include({ status: 7, stdout: 'out\n' });
        expect(result.stderr).to.contain('err');
      });

      it('executes, lists, pauses, measures and kills', async () => {
        await containerd.ctrOk(...runArgs('-d', busybox, 'r2', 'sleep', '1000'));
        try {
          expect(await containerd.taskStatus('r2')).to.equal('RUNNING');
          const exec = ['tasks', 'exec', '--exec-id', 'e1', 'r2', 'sh', '-c', 'echo in; exit 3'];
          expect(await containerd.ctr(...exec)).to.include({ status: 3, stdout: 'in\n' });
          expect(await containerd.ctrOk('tasks', 'ps', 'r2')).to.match(/\n\d+/);
          expect(await containerd.ctrOk('tasks', 'metrics', 'r2')).to.contain('memory');
          await containerd.ctrOk('tasks', 'pause', 'r2');
          expect(await containerd.taskStatus('r2')).to.equal('PAUSED');
          await containerd.ctrOk('tasks', 'resume', 'r2');
          await containerd.ctrOk('tasks', 'kill', '-s', 'KILL', 'r2');
          await waitFor('the end', async () => (await containerd.taskStatus('r2')) === 'STOPPED');
        } finally {
          await remove('r2');
        }
      });

      it('refuses a second task and the removal of one that runs', async () => {
        await containerd.ctrOk(...runArgs('-d', busybox, 'r3', 'sleep', '1000'));
        try {
          const second = await containerd.ctr('tasks', 'start', '-d', 'r3');
          expect(second.stderr).to.contain('already exists');
          expect((await containerd.ctr('tasks', 'rm', 'r3')).status).to.not.equal(0);
          expect(await containerd.taskStatus('r3')).to.equal('RUNNING');
        } finally {
          await remove('r3');
        }
      });

      it('leaves nothing behind when the command does not exist', async () => {
        const result = await containerd.ctr(...runArgs('--rm', busybox, 'r4', '/no/such/command'));
        expect(result.status).to.not.equal(0);
        expect(result.stderr).to.contain('/no/such/command');
        await containerd.ctr('containers', 'rm', 'r4');
      });
    });
  }
});
