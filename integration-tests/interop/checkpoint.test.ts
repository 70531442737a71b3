/** Checkpoint and restore as containerd does them: its shim for runc, which runs our runtime, which runs criu. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { busyboxReference } from './busybox.ts';
import { startRealContainerd, type Containerd } from './ctr-cell.ts';
import { CtrClient } from './ctr-client.ts';

const counting = 'i=0; while true; do i=$((i+1)); echo $i >/count; sleep 0.05; done';

describe('a checkpoint of containerd, by containerd-shim-runc-v2 and our runtime', function () {
  this.timeout(60_000);
  let containerd: Containerd | undefined;
  let ctr: CtrClient;
  let image: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr', 'containerd', 'containerd-shim-runc-v2', 'criu');
    const { status, stderr } = spawnSync('criu', ['check'], { encoding: 'utf8' });
    if (status !== 0) skip(this, `needs a criu that works on this kernel: ${stderr}`);
    image = await busyboxReference(this);
    containerd = await startRealContainerd();
    const { address, folders } = containerd;
    ctr = new CtrClient({ address, image, folders });
    await ctr.pull();
  });
  after(async () => {
    await ctr.close();
    await containerd?.stop();
  });

  const count = async (name: string): Promise<number> => {
    const id = `e${randomBytes(4).toString('hex')}`;
    const text = await ctr.ok('tasks', 'exec', '--exec-id', id, name, 'cat', '/count');
    return Number(text);
  };
  const end = async (name: string): Promise<void> => {
    await ctr.ok('tasks', 'delete', '--force', name);
    await ctr.ok('containers', 'rm', name);
  };

  it('becomes a container that goes on where the first one was', async () => {
    const flags = ['--runtime', 'io.containerd.runc.v2'];
    const ours = ['--runc-binary', executablePath('runtime')];
    await ctr.ok('run', '-d', '--null-io', ...flags, ...ours, image, 'one', 'sh', '-c', counting);
    await waitFor('it counts', async () => (await count('one')) > 3);
    await ctr.ok(
      'containers',
      'checkpoint',
      '--rw',
      '--image',
      '--task',
      'one',
      'test/checkpoint:1',
    );
    const before = await count('one');
    await end('one');

    await ctr.ok('containers', 'restore', '--rw', '--live', 'two', 'test/checkpoint:1');
    await waitFor('it counts on', async () => (await count('two')) > before);
    expect(await ctr.ok('tasks', 'ls')).to.match(/^two\s+\d+\s+RUNNING$/m);
    await end('two');
  });
});
