/** engined over a real containerd with its own shim and runc, by the real docker CLI: the lower half of the stack is theirs. */
import { expect } from 'chai';
import { checked } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd } from '../shim/real-containerd.ts';

describe('engined over a real containerd', () => {
  let containerd: RealContainerd | undefined;
  let stack: Stack;
  let busybox: string;

  const { ok } = checked((...args) => stack.docker(...args));

  before(async function () {
    this.timeout(60_000);
    needRoot(this);
    needPeers(this, 'containerd', 'runc', 'docker');
    const registry = await devRegistry(this);
    busybox = `${registry}/busybox`;
    containerd = new RealContainerd();
    await containerd.start();
    stack = await Stack.start({
      arguments: ['--containerd', containerd.address],
      insecureRegistries: [registry],
    });
    await ok('pull', busybox);
  });

  after(async function () {
    this.timeout(60_000);
    if (!containerd) return;
    await stack.stop();
    await containerd.stop();
  });

  it('runs containers by runc', async () => {
    expect(await ok('info', '-f', '{{.DefaultRuntime}}')).to.equal('runc');
    expect(await ok('run', '--rm', busybox, 'echo', 'hi')).to.equal('hi');
    const { status, stdout } = await stack.dockerWith(
      { input: 'abc' },
      ...['run', '-i', '--rm', busybox, 'sh', '-c', 'cat; exit 7'],
    );
    expect([status, stdout]).to.deep.equal([7, 'abc']);
    expect((await stack.docker('run', '--rm', busybox, 'nope')).status).to.equal(127);
    expect((await stack.docker('run', '--rm', busybox, '/etc')).status).to.equal(126);
  }).timeout(60_000);

  it('finds a container again after SIGKILL, and every line of its log once', async () => {
    const count = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; usleep 10000; done; exit 5';
    const id = await ok('run', '-d', busybox, 'sh', '-c', count);
    await waitFor('the first lines', async () => (await ok('logs', id)).includes('20\n'));
    await stack.endEngined('SIGKILL');
    await stack.startEngined();
    expect(await ok('wait', id)).to.equal('5');
    const lines = (await ok('logs', id)).split('\n').map(Number);
    expect(lines).to.deep.equal(Array.from({ length: 300 }, (_, index) => index + 1));
    await ok('rm', id);
  }).timeout(60_000);

  it('learns of an exit that happened while it was away', async () => {
    const id = await ok('run', '-d', busybox, 'sh', '-c', 'sleep 1; exit 3');
    await stack.endEngined('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await stack.startEngined();
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', id)).to.equal(
      'exited 3',
    );
    await ok('rm', id);
  }).timeout(60_000);
});
