/** What ctr says of containers and tasks over containerd-lite is what it says over a real containerd, word by word. */
import { expect } from 'chai';
import { run, runOk } from '../harness/command.ts';
import { runInTerminal } from '../harness/terminal.ts';
import { waitFor } from '../harness/wait.ts';
import { CtrPair, type PairedCommand } from './ctr-pair.ts';

const runc = ['--runtime', 'io.containerd.runc.v2'];

describe('ctr over containerd and over containerd-lite', function () {
  this.timeout(60_000);
  let pair: CtrPair | undefined;
  let image: string;

  before(async function () {
    pair = await CtrPair.start(this);
    image = pair.image;
  });
  after(async () => pair?.stop());

  const both = (): CtrPair => pair ?? expect.fail('not started');
  const compare = (...commands: PairedCommand[]) => both().compare(...commands);

  it('keeps leases and namespaces', async () => {
    await compare(
      ['leases', 'create', '--id', 'l1', 'a=b'],
      ['leases', 'create', '--id', 'l1'],
      ['leases', 'ls', '-q'],
      ['leases', 'rm', 'l1'],
      ['leases', 'rm', 'l1'],
      ['leases', 'ls'],
      ['namespaces', 'create', 'other', 'a=1'],
      ['namespaces', 'create', 'other'],
      ['namespaces', 'label', 'other', 'b=2'],
      ['namespaces', 'ls'],
      ['namespaces', 'rm', 'other'],
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
    await both().both(({ client }) =>
      waitFor('the end', async () => (await client.state('box')) === 'stopped'),
    );
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
    const [real, ours] = await both().both(async ({ client }) => {
      await client.ok('run', '-d', ...runc, image, 'measured', 'sleep', '1000');
      const metrics = await client.ok('tasks', 'metrics', 'measured');
      await client.ok('tasks', 'rm', '--force', 'measured');
      await client.ok('containers', 'rm', 'measured');
      return metrics.split('\n').map((line) => line.split(' ')[0]);
    });
    expect(ours).to.deep.equal(real);
  });

  it('sees the same events of a task', async () => {
    const [real, ours] = await both().both(async ({ client, daemon: { address } }) => {
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
    });
    expect(ours).to.deep.equal(real);
    expect(real).to.include('/tasks/exit');
  });

  it('runs with environment, memory limit, mounts and the host’s network', async () => {
    const show = [
      'echo $GREETING',
      'cat /proc/self/mountinfo | grep " /mounted " | cut -d" " -f6',
      'touch /mounted/x',
      'ls -A /mounted',
      'readlink /proc/self/ns/net',
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max',
      'exit 3',
    ].join('; ');
    const options = [
      ...['--rm', ...runc, '--env', 'GREETING=hello', '--memory-limit', '67108864', '--net-host'],
      ...['--mount', 'type=bind,src=/proc/self/ns,dst=/mounted,options=rbind:ro', '--read-only'],
    ];
    await compare(
      ['run', ...options, image, 'shown', 'sh', '-c', show],
      [
        'run',
        '--rm',
        ...runc,
        '--cwd',
        '/etc',
        '--user',
        '1:2',
        image,
        'as',
        'sh',
        '-c',
        'pwd; id',
      ],
      ['run', '--rm', ...runc, '--privileged', image, 'all', 'grep', 'CapEff', '/proc/self/status'],
      ['run', '--rm', ...runc, `${image}x`, 'none', 'true'],
      ['containers', 'ls', '-q'],
    );
  });

  it('runs and executes in a terminal of the right size', async () => {
    const shell = ['timeout', '20', 'sh', '-c'];
    const inTerminal = async (rows: number, columns: number, argv: readonly string[]) =>
      (await runInTerminal(argv.map(quote).join(' '), { rows, columns })).status;
    const [real, ours] = await both().both(async ({ client }) => {
      // The size comes a moment after the start.
      const sized = (size: string) =>
        `until stty size | grep -qx "${size}"; do sleep 0.05; done; exit 4`;
      const argv = client.runCommand('tty', { terminal: true }, [...shell, sized('31 91')]);
      const shown = await inTerminal(31, 91, argv);
      await client.ok('run', '-d', ...runc, image, 'kept', 'sleep', '1000');
      const exec = client.execCommand('kept', { terminal: true }, [...shell, sized('32 92')]);
      const executed = await inTerminal(32, 92, exec);
      await client.ok('tasks', 'rm', '--force', 'kept');
      await client.ok('containers', 'rm', 'kept');
      return { shown, executed };
    });
    expect(ours).to.deep.equal(real).and.to.deep.equal({ shown: 4, executed: 4 });
  });

  it('attaches to a task until its end, and to none that is not there', async () => {
    const script = 'until [ -e /end ]; do echo tick; usleep 50000; done; echo bye; exit 6';
    const [real, ours] = await both().both(async ({ client }) => {
      const detached = { detached: true, stdin: true };
      const [ctr = '', ...started] = client.runCommand('attached', detached, ['sh', '-c', script]);
      await runOk(ctr, started);
      let shown = '';
      const [file = '', ...args] = client.attachCommand('attached');
      const attached = run(file, args, { onStdout: (text) => (shown = text) });
      await waitFor('a tick', () => shown.includes('tick'));
      await client.ok('tasks', 'exec', '--exec-id', 'end', 'attached', 'touch', '/end');
      const { status, stdout, stderr } = await attached;
      await client.ok('tasks', 'rm', 'attached').catch(() => undefined); // attach deletes the task itself
      await client.ok('containers', 'rm', 'attached');
      const missing = await client.run('tasks', 'attach', 'missing');
      return {
        status,
        stderr,
        output: stdout.replace(/^(tick\n)+/, 'tick\n'),
        missing: [missing.status, missing.stderr.replace(client.namespace, 'NAMESPACE')],
      };
    });
    expect(ours).to.deep.equal(real);
    expect(real).to.include({ status: 6, output: 'tick\nbye\n' });
  });

  it('tells its version and lists plugins by type', async () => {
    const [real, ours] = await both().both(async ({ client }) => ({
      version: await client.ok('version'),
      plugins: await client.ok('plugins', 'ls'),
      snapshotters: await client.ok('plugins', 'ls', 'id==overlayfs'),
    }));
    expect(ours.version).to.match(/Server:\n +Version: +\d+\.\d+\.\d+/);
    expect(ours.snapshotters).to.equal(real.snapshotters);
    for (const service of [
      'containers',
      'content',
      'diff',
      'images',
      'leases',
      'snapshots',
      'tasks',
    ]) {
      expect(ours.plugins).to.match(new RegExp(`io.containerd.grpc.v1 +${service} .*ok`));
    }
    expect(ours.plugins).to.match(/io.containerd.differ.v1 +walking +linux\/\w+.* +ok/);
  });
});

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
