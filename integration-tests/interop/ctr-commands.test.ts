/** What ctr says over containerd-lite is what it says over a real containerd, command by command. */
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { busyboxReference } from './busybox.ts';
import { startContainerdLite, startRealContainerd, type Containerd } from './ctr-cell.ts';
import { CtrClient } from './ctr-client.ts';

const runc = ['--runtime', 'io.containerd.runc.v2'];

describe('ctr over containerd and over containerd-lite', function () {
  this.timeout(60_000);
  const daemons: Containerd[] = [];
  const clients: CtrClient[] = [];
  let image: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr', 'containerd', 'containerd-shim-runc-v2', 'runc');
    image = await busyboxReference(this);
    for (const start of [startRealContainerd, startContainerdLite]) {
      const daemon = await start();
      daemons.push(daemon);
      const client = new CtrClient({ address: daemon.address, image });
      clients.push(client);
      await client.pull();
    }
  });

  after(async () => {
    for (const client of clients) await client.close();
    for (const daemon of daemons) await daemon.stop();
  });

  /** Runs the commands in their order over both, and compares exit codes and texts one by one. */
  const compare = async (...commands: string[][]): Promise<void> => {
    for (const command of commands) {
      const [real, ours] = await Promise.all(
        clients.map(async (client) => {
          const { status, stdout, stderr } = await client.run(...command);
          return { command, status, output: normalize(stdout + stderr, client.namespace) };
        }),
      );
      expect(ours).to.deep.equal(real);
    }
  };

  it('lists, labels, tags, checks and removes images', async () => {
    await compare(
      ['images', 'ls'],
      ['images', 'check'],
      ['images', 'label', image, 'a=b'],
      ['images', 'tag', image, 'other:1'],
      ['images', 'tag', image, 'other:1'],
      ['images', 'ls', '-q'],
      ['images', 'rm', 'other:1'],
      ['images', 'rm', 'none:1'],
    );
  });

  it('lists, labels and reads content', async () => {
    const digest = (await clients[0]?.ok('content', 'ls', '-q'))?.split('\n')[0] ?? '';
    const missing = `sha256:${'0'.repeat(64)}`;
    await compare(
      ['content', 'ls'],
      ['content', 'active'],
      ['content', 'label', digest, 'x=y'],
      ['content', 'get', digest],
      ['content', 'get', missing],
    );
  });

  it('makes, inspects, commits and removes snapshots', async () => {
    const parent = (await clients[0]?.ok('snapshots', 'ls'))?.split('\n')[1]?.split(' ')[0] ?? '';
    await compare(
      ['snapshots', 'prepare', 'k1', parent],
      ['snapshots', 'prepare', 'k1', parent],
      ['snapshots', 'info', 'k1'],
      ['snapshots', 'commit', 'c1', 'k1'],
      ['snapshots', 'view', 'v1', 'c1'],
      ['snapshots', 'ls'],
      ['snapshots', 'tree'],
      ['snapshots', 'rm', 'c1'],
      ['snapshots', 'rm', 'v1'],
      ['snapshots', 'rm', 'c1'],
      ['snapshots', 'info', 'c1'],
    );
  });

  it('keeps leases and namespaces', async () => {
    await compare(
      ['leases', 'create', '--id', 'l1', 'a=b'],
      ['leases', 'create', '--id', 'l1'],
      ['leases', 'ls', '-q'],
      ['leases', 'rm', 'l1'],
      ['leases', 'ls'],
      ['namespaces', 'create', 'other', 'a=1'],
      ['namespaces', 'label', 'other', 'b=2'],
      ['namespaces', 'ls'],
      ['namespaces', 'rm', 'other'],
    );
  });

  it('runs a task through its life, with the same refusals', async () => {
    await compare(
      ['run', '-d', ...runc, '--label', 'q=r', image, 'box', 'sleep', '1000'],
      ['run', '-d', ...runc, image, 'box', 'true'],
      ['containers', 'ls'],
      ['containers', 'info', 'box'],
      ['containers', 'label', 'box', 'z=1'],
      ['tasks', 'ls'],
      ['tasks', 'ps', 'box'],
      ['tasks', 'exec', '--exec-id', 'e1', 'box', 'no-such-command'],
      ['tasks', 'exec', '--exec-id', 'e2', 'box', 'sh', '-c', 'exit 3'],
      ['tasks', 'pause', 'box'],
      ['tasks', 'ls'],
      ['tasks', 'resume', 'box'],
      ['tasks', 'rm', 'box'],
      ['containers', 'rm', 'box'],
      ['tasks', 'kill', '-s', 'SIGKILL', 'box'],
    );
    for (const client of clients) {
      await waitFor('the end', async () => (await client.state('box')) === 'stopped');
    }
    await compare(
      ['tasks', 'kill', 'box'],
      ['tasks', 'ls'],
      ['tasks', 'rm', 'box'],
      ['tasks', 'rm', 'box'],
      ['containers', 'rm', 'box'],
      ['containers', 'info', 'box'],
    );
  });

  it('measures a task by the same figures', async () => {
    const figures = await Promise.all(
      clients.map(async (client) => {
        await client.ok('run', '-d', ...runc, image, 'measured', 'sleep', '1000');
        const metrics = await client.ok('tasks', 'metrics', 'measured');
        await client.ok('tasks', 'rm', '--force', 'measured');
        await client.ok('containers', 'rm', 'measured');
        return metrics.split('\n').map((line) => line.split(' ')[0]);
      }),
    );
    expect(figures[1]).to.deep.equal(figures[0]);
  });

  it('sees the same events of a task', async () => {
    const topics = await Promise.all(
      clients.map(async (client, index) => {
        const address = daemons[index]?.address ?? '';
        let seen = '';
        const events = [
          '-a',
          address,
          '-n',
          client.namespace,
          'events',
          'topic~=/(tasks|containers)/',
        ];
        const listening = run('timeout', ['20', 'ctr', ...events], {
          onStdout: (text) => (seen = text),
        });
        // Nothing says that a subscription stands, so events are made until one arrives.
        await waitFor('the subscription', async () => {
          await client.ok('run', '--rm', ...runc, image, 'seen', 'true');
          return seen.includes('/containers/delete');
        });
        const before = seen.length;
        await client.ok('run', '--rm', ...runc, image, 'seen', 'true');
        await waitFor('its end', () => seen.slice(before).includes('/containers/delete'));
        void listening.catch(() => undefined); // timeout(1) ends it
        return seen.slice(before).match(/\/(?:tasks|containers)\/\S+/g);
      }),
    );
    expect(topics[1]).to.deep.equal(topics[0]);
    expect(topics[0]).to.include('/tasks/exit');
  });

  it('tells its version and lists plugins by type', async () => {
    const [, ours] = clients;
    expect(await ours?.ok('version')).to.match(/Server:\n +Version: +\d+\.\d+\.\d+/);
    const plugins = (await ours?.ok('plugins', 'ls')) ?? '';
    for (const service of ['containers', 'content', 'images', 'leases', 'snapshots', 'tasks']) {
      expect(plugins).to.match(new RegExp(`io.containerd.grpc.v1 +${service} .*ok`));
    }
  });
});

/** Leaves out what differs between two runs of one daemon: namespace, times, pids, order of labels, widths of columns. */
function normalize(text: string, namespace: string): string {
  return text
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replaceAll(/Less than a second|\d+ seconds?/g, 'AGE')
    .replaceAll(/[\t ]+/g, ' ')
    .replaceAll(/^(\w+ +)?\d+ +(?=RUNNING|STOPPED|PAUSED|-)/gm, '$1PID ')
    .replaceAll(/[\w./-]+=[\w.:/-]+(,[\w./-]+=[\w.:/-]*)+/g, (labels) =>
      labels.split(',').sort().join(','),
    );
}
