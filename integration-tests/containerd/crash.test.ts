/** containerd-lite and shims are killed; tasks, exit statuses and images are what they were. */
import { expect } from 'chai';
import fs from 'node:fs';
import { executablePath } from '#lib/installation/installation';
import { run } from '../harness/command.ts';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { ContainerdLite } from './containerd-lite.ts';

for (const runtime of ['io.containerd.runc.v2', 'io.containerd.lite.v2']) {
  describe(`containerd-lite after SIGKILL, with ${runtime}`, () => {
    const containerd = new ContainerdLite();
    let busybox: string;

    before(async function () {
      needRoot(this);
      needPeers(this, 'ctr', 'containerd-shim-runc-v2', 'runc');
      if (runtime.includes('lite') && !fs.existsSync(executablePath('containerd-shim-lite-v2'))) {
        skip(this, 'containerd-shim-lite-v2 is not built');
      }
      busybox = `${await devRegistry(this)}/busybox:latest`;
      await containerd.start();
      await containerd.ctrOk('images', 'pull', '--plain-http', busybox);
    });

    after(async () => containerd.remove());

    afterEach(() => {
      expect(containerd.leftovers()).to.deep.equal([]);
    });

    const start = async (id: string, script: string) => {
      await containerd.ctrOk('run', '--runtime', runtime, '-d', busybox, id, 'sh', '-c', script);
      return containerd.taskPid(id);
    };
    const restart = async () => {
      await containerd.end('SIGKILL');
      await containerd.start();
    };
    /** A zombie is not alive; whether init reaps it soon is not our matter. */
    const isAlive = (pid: number) => {
      try {
        return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    /** Deletes the task and returns its exit status as ctr reports it. */
    const deleteTask = async (id: string) => {
      const { status, stderr } = await containerd.ctr('tasks', 'rm', id);
      expect(status).to.equal(0);
      await containerd.ctrOk('containers', 'rm', id);
      return Number(/non-zero exit code (\d+)/.exec(stderr)?.[1] ?? 0);
    };

    it('gives a shim no descriptor of its database', async () => {
      await start('c0', 'sleep 1000');
      const folder = `/proc/${await containerd.shimPid('c0')}/fd`;
      const targets = fs.readdirSync(folder).map((fd) => fs.readlinkSync(`${folder}/${fd}`));
      expect(targets.filter((target) => target.includes('/root/'))).to.deep.equal([]);
      await containerd.ctrOk('tasks', 'kill', '-s', 'KILL', 'c0');
      await waitFor('the end', async () => (await containerd.taskStatus('c0')) === 'STOPPED');
      expect(await deleteTask('c0')).to.equal(137);
    });

    it('finds a running task and hears of its end', async () => {
      const pid = await start('c1', 'trap "exit 3" TERM; while :; do sleep 0.05; done');
      await restart();
      expect(isAlive(pid)).to.equal(true);
      expect(await containerd.taskStatus('c1')).to.equal('RUNNING');
      const exec = ['tasks', 'exec', '--exec-id', 'e', 'c1', 'echo', 'still here'];
      expect(await containerd.ctrOk(...exec)).to.equal('still here');
      await containerd.ctrOk('tasks', 'kill', 'c1');
      await waitFor('the end', async () => (await containerd.taskStatus('c1')) === 'STOPPED');
      expect(await deleteTask('c1')).to.equal(3);
    });

    it('knows how a task ended while it was away', async () => {
      const pid = await start('c2', 'sleep 0.5; exit 5');
      await containerd.end('SIGKILL');
      await waitFor('the end', () => !isAlive(pid));
      await containerd.start();
      expect(await containerd.taskStatus('c2')).to.equal('STOPPED');
      await restart();
      expect(await deleteTask('c2')).to.equal(5);
    });

    it('kills the task of a shim that was killed, and reports 137', async () => {
      const pid = await start('c3', 'sleep 1000');
      process.kill(await containerd.shimPid('c3'), 'SIGKILL');
      await waitFor('the end', async () => (await containerd.taskStatus('c3')) === 'STOPPED');
      expect(isAlive(pid)).to.equal(false);
      await restart();
      expect(await containerd.taskStatus('c3')).to.equal('STOPPED');
      expect(await deleteTask('c3')).to.equal(137);
    });

    it('cleans up at its start after a shim that was killed with it', async () => {
      const pid = await start('c4', 'sleep 1000');
      const shim = await containerd.shimPid('c4');
      await containerd.end('SIGKILL');
      process.kill(shim, 'SIGKILL');
      await containerd.start();
      await waitFor('the container to be gone', () => !isAlive(pid));
      expect(await deleteTask('c4')).to.equal(137);
    });

    it('does not take a shim for dead that answers late', async () => {
      const pid = await start('c6', 'trap "exit 4" TERM; while :; do sleep 0.05; done');
      const shim = await containerd.shimPid('c6');
      process.kill(shim, 'SIGSTOP');
      await restart();
      process.kill(shim, 'SIGCONT');
      expect(isAlive(pid)).to.equal(true);
      expect(await containerd.taskStatus('c6')).to.equal('RUNNING');
      await containerd.ctrOk('tasks', 'kill', 'c6');
      await waitFor('the end', async () => (await containerd.taskStatus('c6')) === 'STOPPED');
      expect(await deleteTask('c6')).to.equal(4);
    });

    it('has every image that was pulled before', async () => {
      const before = await containerd.ctrOk('content', 'ls', '-q');
      await restart();
      expect(await containerd.ctrOk('content', 'ls', '-q')).to.equal(before);
      const again = await containerd.ctrOk(
        ...['run', '--runtime', runtime, '--rm', busybox, 'c5', 'echo', 'hi'],
      );
      expect(again).to.equal('hi');
    });
  });
}

describe('containerd-lite', () => {
  const containerd = new ContainerdLite();
  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr');
    await containerd.start();
  });
  after(async () => containerd.remove());

  it('is refused a root that another one uses', async () => {
    const args = [...containerd.arguments.slice(0, -1), `${containerd.folder}/other.sock`];
    const second = await run(executablePath('containerd-lite'), args);
    expect(second.status).to.equal(1);
    expect(second.stderr).to.match(/root is in use by process \d+\n$/);
    expect((await containerd.ctr('version')).status).to.equal(0);
  });

  it('ends with 0 on SIGTERM and removes its sockets', async () => {
    expect(await containerd.end('SIGTERM')).to.equal(0);
    expect(fs.existsSync(containerd.address)).to.equal(false);
    expect(fs.existsSync(`${containerd.address}.ttrpc`)).to.equal(false);
  });

  it('refuses a configuration key that it does not have', async () => {
    const file = `${containerd.folder}/config.toml`;
    fs.writeFileSync(file, 'version = 2\noom_score = 3\n');
    const result = await run(executablePath('containerd-lite'), ['-c', file]);
    expect(result.status).to.equal(1);
    expect(result.stderr).to.contain('key "oom_score" is not supported');
  });
});
