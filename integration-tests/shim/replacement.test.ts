/** A running shim becomes the installed one, again and again, and nobody notices. */
import { setTimeout as delay } from 'node:timers/promises';
import fs from 'node:fs';
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd } from './real-containerd.ts';

/** Writes `<name> <number>` each 10 ms. */
const counting = (name: string, count: number, exitCode: number) => [
  'sh',
  '-c',
  `i=0; while [ $i -lt ${count} ]; do echo ${name} $i; i=$((i+1)); usleep 10000; done; exit ${exitCode}`,
];
const counted = (name: string, count: number) =>
  Array.from({ length: count }, (_, number) => `${name} ${number}`);
const linesOf = (output: string) => output.split(/\r?\n/).filter((line) => line !== '');

describe('containerd-shim-lite-v2 that is replaced', function () {
  let containerd: RealContainerd;

  this.beforeAll(async function () {
    needRoot(this);
    needPeers(this, 'containerd', 'runc', 'busybox');
    containerd = new RealContainerd();
    await containerd.start();
  });
  this.afterAll(async () => containerd.stop());

  /** Replaces the shim of `id` and waits until the new one answers. */
  const replace = async (id: string) => {
    const shim = containerd.shimPid(id);
    const before = startOfStack(shim);
    process.kill(shim, 'SIGUSR2');
    await waitFor('the new shim', () => startOfStack(shim) !== before);
    await containerd.client.tasks.get({ containerId: id });
  };

  it('loses and doubles no output or input, and knows how everything ended', async () => {
    const { tasks } = containerd.client;
    const containerId = 'busy';
    const endless = counting('task', 1_000_000, 0).map((arg) => `trap "exit 7" TERM; ${arg}`);
    const args = ['sh', '-c', endless.at(-1) ?? ''];
    const task = await containerd.create(containerId, { args });
    await tasks.start({ containerId });
    const plain = await containerd.exec(containerId, 'x1', { args: counting('exec', 200, 8) });
    const terminal = await containerd.exec(containerId, 'x2', {
      args: counting('terminal', 200, 9),
      terminal: true,
    });
    const echo = await containerd.exec(containerId, 'x3', {
      args: ['sh', '-c', 'stty -echo; echo ready; cat'],
      terminal: true,
      stdin: true,
    });
    const exits = Promise.all(
      ['', 'x1', 'x2', 'x3'].map(
        async (execId) => (await tasks.wait({ containerId, execId })).exitStatus,
      ),
    );
    await waitFor('the terminal', () => echo.stdio.stdout.includes('ready'));
    const sent = counted('echo', 100);
    const sending = (async () => {
      for (const line of sent) {
        echo.stdio.write(`${line}\n`);
        await delay(10);
      }
    })();

    for (let times = 0; times < 20; times += 1) await replace(containerId);

    await sending;
    await waitFor('the echo', () => linesOf(echo.stdio.stdout).length > sent.length);
    await tasks.wait({ containerId, execId: 'x1' });
    await tasks.wait({ containerId, execId: 'x2' });
    await tasks.kill({ containerId, signal: 15 });
    expect(await exits).to.deep.equal([7, 8, 9, 137]); // the kernel ends the last with the task
    for (const execId of ['x1', 'x2', 'x3']) await tasks.deleteProcess({ containerId, execId });
    expect((await containerd.remove(containerId)).exitStatus).to.equal(7);
    await Promise.all([task, plain, terminal, echo].map(({ stdio }) => stdio.ended));
    echo.stdio.closeInput();
    const lines = linesOf(task.stdio.stdout);
    expect(lines).to.have.length.greaterThan(100).and.deep.equal(counted('task', lines.length));
    expect(linesOf(plain.stdio.stdout)).to.deep.equal(counted('exec', 200));
    expect(linesOf(terminal.stdio.stdout)).to.deep.equal(counted('terminal', 200));
    expect(linesOf(echo.stdio.stdout)).to.deep.equal(['ready', ...sent]);
    const topics = await waitFor('the last event', () => {
      const seen = containerd.topics(containerId);
      return seen.includes('/tasks/delete') && seen;
    });
    expect(topics.filter((topic) => topic === '/tasks/exit')).to.have.length(4);
    expect(topics.slice(-2)).to.deep.equal(['/tasks/exit', '/tasks/delete']);
  });

  it('keeps what nobody has read from a terminal', async () => {
    const { tasks } = containerd.client;
    const containerId = 'unread';
    const { stdio } = await containerd.create(containerId, {
      args: ['sh', '-c', 'seq 1 40000; read line; exit 3'],
      terminal: true,
      stdin: true,
    });
    stdio.pause();
    await tasks.start({ containerId });
    for (let times = 0; times < 3; times += 1) {
      await delay(50);
      await replace(containerId);
    }
    stdio.resume();
    await waitFor('the last line', () => linesOf(stdio.stdout).includes('40000'));
    stdio.write('done\n');
    expect((await tasks.wait({ containerId })).exitStatus).to.equal(3);
    await containerd.remove(containerId);
    await stdio.ended;
    stdio.closeInput();
    const numbers = Array.from({ length: 40_000 }, (_, index) => `${index + 1}`);
    expect(linesOf(stdio.stdout).slice(0, 40_000)).to.deep.equal(numbers);
  });

  it('goes on with loggers', async () => {
    const { tasks } = containerd.client;
    const log = `${containerd.folder}/logs/lines`;
    const script = `exec 5>&-; cat <&3 >${log}.program & cat <&4 >/dev/null; wait`;
    const loggers = {
      file: `file://${log}.file`,
      program: `binary:///bin/sh?-c=${encodeURIComponent(script)}`,
    };
    for (const [id, logger] of Object.entries(loggers)) {
      fs.mkdirSync(`${containerd.folder}/logs`, { recursive: true });
      await containerd.create(id, { args: counting(id, 100, 4), logger });
      await tasks.start({ containerId: id });
      for (let times = 0; times < 3; times += 1) await replace(id);
      expect((await tasks.wait({ containerId: id })).exitStatus).to.equal(4);
      await containerd.remove(id);
      expect(linesOf(fs.readFileSync(`${log}.${id}`, 'utf8'))).to.deep.equal(counted(id, 100));
    }
  });

  it('reports the end of a container that ended meanwhile, once', async () => {
    const { tasks } = containerd.client;
    const containerId = 'meanwhile';
    const { pid } = await containerd.create(containerId, { args: ['sleep', '60'] });
    await tasks.start({ containerId });
    const waiting = tasks.wait({ containerId });
    const shim = containerd.shimPid(containerId);
    const before = startOfStack(shim);
    process.kill(shim, 'SIGUSR2');
    process.kill(pid, 'SIGKILL');
    expect((await waiting).exitStatus).to.equal(137);
    await waitFor('the new shim', () => startOfStack(shim) !== before);
    await containerd.remove(containerId);
    await waitFor('the last event', () => containerd.topics(containerId).includes('/tasks/delete'));
    const ends = containerd.topics(containerId).filter((topic) => topic === '/tasks/exit');
    expect(ends).to.have.length(1);
  });
});

/** Another one after each execve(2), by the kernel's randomisation. */
function startOfStack(pid: number): string | undefined {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[25];
}
