/** Shims that stand by: which tasks they go to, what they keep of one, and that nothing else can be seen of them. */
import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { executablePath } from '#lib/installation/installation';
import { runOk } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { ContainerdLite } from './containerd-lite.ts';

const runtime = 'io.containerd.lite.v2';

/** Words of the command line; empty for a process that has ended. */
function commandLine(pid: number): string[] {
  try {
    return fs
      .readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split(/[\0 ]+/)
      .filter((word) => word !== '');
  } catch {
    return [];
  }
}

/** Pids of the shims that stand by for a daemon and have loaded. */
function standbys({ address }: ContainerdLite): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const words = commandLine(pid);
      return words.at(-1) === 'standby' && words.includes(address);
    });
}

/** Pids of the processes that a process has started. */
function childrenOf(pid: number): number[] {
  return fs
    .readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child !== '')
    .map(Number);
}

/** What stays the same whichever way a shim was started. */
function describeProcess(pid: number, id: string) {
  const read = (name: string) => fs.readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const status = read('status');
  const stat = read('stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const descriptors = fs
    .readdirSync(`/proc/${pid}/fd`)
    .map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`))
    .filter((target) => target.startsWith('/'));
  return {
    arguments: commandLine(pid)
      .filter((word) => !word.startsWith('--v8-'))
      .map((word) => (word === id ? 'ID' : word)),
    comm: read('comm'),
    folder: fs.readlinkSync(`/proc/${pid}/cwd`).replaceAll(id, 'ID'),
    umask: /^Umask:.*$/m.exec(status)?.[0],
    signals: /^SigIgn:.*\nSigCgt:.*$/m.exec(status)?.[0],
    leadsSession: Number(fields[3]) === pid,
    nice: fields[16],
    autogroup: fs.existsSync(`/proc/${pid}/autogroup`) && read('autogroup').replace(/-\d+/, ''),
    oomScore: read('oom_score_adj'),
    socketMode: fs.statSync(read('cwd/address').replace('unix://', '')).mode,
    cgroups: read('cgroup'),
    // ctr keeps FIFOs in a folder with a random name.
    files: descriptors.map((file) => path.basename(file).replaceAll(id, 'ID')).sort(),
  };
}

/** What a shim that waits holds. */
function describeWaiting(pid: number) {
  const kinds = fs
    .readdirSync(`/proc/${pid}/fd`)
    .map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:\[\d+\]$/, ''))
    .sort();
  const read = (name: string) => fs.readFileSync(`/proc/${pid}/${name}`, 'utf8');
  return {
    kinds,
    folder: fs.readlinkSync(`/proc/${pid}/cwd`),
    cgroups: read('cgroup'),
    mounts: fs.readlinkSync(`/proc/${pid}/ns/mnt`),
    words: commandLine(pid),
    umask: /^Umask:.*$/m.exec(read('status'))?.[0],
  };
}

/** The configuration of a container whose poststart hook runs a script of sh on the host. */
async function bundleWithHook(folder: string, script: string): Promise<string> {
  fs.mkdirSync(path.join(folder, 'rootfs/bin'), { recursive: true });
  fs.copyFileSync('/bin/busybox', path.join(folder, 'rootfs/bin/sleep'));
  await runOk(executablePath('runtime'), ['spec', '-b', folder]);
  const file = path.join(folder, 'config.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    process: { terminal: boolean; args: string[] };
    root: { path: string };
    hooks?: object;
  };
  config.process.terminal = false;
  config.process.args = ['sleep', '1000'];
  config.root.path = path.join(folder, 'rootfs');
  config.hooks = { poststart: [{ path: '/bin/sh', args: ['sh', '-c', script] }] };
  fs.writeFileSync(file, JSON.stringify(config));
  return file;
}

describe('shims that stand by', () => {
  const containerd = new ContainerdLite('[shims]\npool = 2\n');
  let busybox: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr');
    busybox = `${await devRegistry(this)}/busybox:latest`;
    await containerd.start();
    await containerd.ctrOk('images', 'pull', '--plain-http', busybox);
  });

  after(async () => containerd.remove());

  afterEach(() => {
    expect(containerd.leftovers()).to.deep.equal([]);
  });

  const full = () => waitFor('a full pool', () => standbys(containerd).length >= 2 && true);
  const run = (id: string, ...args: string[]) =>
    containerd.ctrOk('run', '--runtime', runtime, '-d', busybox, id, ...args);
  const remove = async (id: string) => {
    await containerd.ctr('tasks', 'rm', '--force', id);
    await containerd.ctrOk('containers', 'rm', id);
  };

  it('become the shim of a container, and others take their place', async () => {
    await full();
    const waiting = standbys(containerd);
    await run('s1', 'sleep', '1000');
    const shim = await containerd.shimPid('s1');
    expect(waiting).to.include(shim);
    expect(commandLine(shim)).to.include.members([containerd.namespace, 's1']);
    await full();
    expect(standbys(containerd)).not.to.include(shim);
    await remove('s1');
  });

  /** The pid of the shim that serves a container and afterwards waits again. */
  const recycle = async (id: string, ...args: string[]): Promise<number> => {
    await run(id, ...args);
    const shim = await containerd.shimPid(id);
    await remove(id);
    await waitFor('the shim to wait again', () => standbys(containerd).includes(shim));
    return shim;
  };

  it('wait again after their container, and serve the next one', async () => {
    await full();
    const shim = await recycle('r1', 'sleep', '1000');
    const children = childrenOf(shim);
    await run('r2', 'sleep', '1000');
    expect(await containerd.shimPid('r2')).to.equal(shim);
    expect(commandLine(shim)).to.include('r2').and.not.to.include('r1');
    await containerd.ctrOk('tasks', 'exec', '--exec-id', 'e', 'r2', 'true');
    await remove('r2');
    await waitFor('the shim to wait again', () => standbys(containerd).includes(shim));
    expect(childrenOf(shim)).to.deep.equal(children);
  });

  it('end when nobody needs them, also those whose containers lived long', async () => {
    await full();
    const ids = ['l1', 'l2', 'l3', 'l4'];
    await Promise.all(ids.map((id) => run(id, 'sleep', '1000')));
    await delay(10_500); // so long after the last task the surplus is ended: these are none of it yet
    await Promise.all(ids.map(remove));
    await waitFor('those that wait to be two', () => standbys(containerd).length === 2, 20_000);
  }).timeout(60_000);

  it('keep nothing of their container', async () => {
    await full();
    const before = describeWaiting(await recycle('k1', 'sleep', '1000'));
    // With a terminal, execs, a signal, a pause and a death by it: what leaves descriptors and watches behind.
    await run('k2', 'sleep', '1000');
    const shim = await containerd.shimPid('k2');
    await containerd.ctrOk('tasks', 'exec', '--exec-id', 'e', 'k2', 'echo', 'hi');
    await containerd.ctrOk('tasks', 'pause', 'k2');
    await containerd.ctrOk('tasks', 'resume', 'k2');
    await remove('k2');
    await waitFor('the shim to wait again', () => standbys(containerd).includes(shim));
    expect(describeWaiting(shim)).to.deep.equal(before);
  });

  it('end where something of their container is left', async () => {
    await full();
    const pidFile = path.join(containerd.folder, 'orphan.pid');
    const config = await bundleWithHook(
      path.join(containerd.folder, 'bundle'),
      `setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $! > ${pidFile}`,
    );
    await containerd.ctrOk('run', '--runtime', runtime, '-d', '--config', config, 'orphan');
    const shim = await containerd.shimPid('orphan');
    const orphan = Number(fs.readFileSync(pidFile, 'utf8'));
    try {
      expect(childrenOf(shim)).to.include(orphan);
      await remove('orphan');
      await waitFor('the end of the shim', () => commandLine(shim).length === 0);
      expect(commandLine(orphan)).to.include('sleep');
    } finally {
      process.kill(orphan, 'SIGKILL');
    }
  });

  it('end after a container that could not be made', async () => {
    await full();
    const waiting = standbys(containerd);
    const { status } = await containerd.ctr('run', '--runtime', runtime, busybox, 'f1', 'missing');
    expect(status).not.to.equal(0);
    await containerd.ctr('containers', 'rm', 'f1');
    await waitFor('one to end', () => waiting.some((pid) => commandLine(pid).length === 0));
    await full();
  });

  it('end with their container once containerd-lite has been restarted', async () => {
    await full();
    await run('a1', 'sleep', '1000');
    const shim = await containerd.shimPid('a1');
    await containerd.end('SIGKILL');
    await containerd.start();
    await remove('a1');
    await waitFor('the end of the shim', () => commandLine(shim).length === 0);
  });

  it('cannot be told from a shim that was started', async () => {
    await full();
    await run('taken', 'sleep', '1000');
    await containerd.end('SIGTERM');
    fs.writeFileSync(path.join(containerd.folder, 'config.toml'), '[shims]\npool = 0\n');
    await containerd.start();
    await run('started', 'sleep', '1000');
    try {
      const taken = describeProcess(await containerd.shimPid('taken'), 'taken');
      const started = describeProcess(await containerd.shimPid('started'), 'started');
      expect(taken).to.deep.equal(started);
      expect(standbys(containerd)).to.deep.equal([]);
    } finally {
      await containerd.end('SIGTERM');
      fs.writeFileSync(path.join(containerd.folder, 'config.toml'), '[shims]\npool = 2\n');
      await containerd.start();
      await remove('taken');
      await remove('started');
    }
  });

  it('end with containerd-lite, those with a container excepted', async () => {
    await full();
    await run('s2', 'sleep', '1000');
    await full();
    const shim = await containerd.shimPid('s2');
    const waiting = standbys(containerd).flatMap((pid) => [pid, ...childrenOf(pid)]);
    await containerd.end('SIGKILL');
    await waitFor('their end', () => waiting.every((pid) => commandLine(pid).length === 0));
    expect(standbys(containerd)).to.deep.equal([]);
    expect(commandLine(shim)).to.include('s2');
    await containerd.start();
    expect(await containerd.taskStatus('s2')).to.equal('RUNNING');
    await remove('s2');
    await full();
    await containerd.end('SIGTERM');
    expect(standbys(containerd)).to.deep.equal([]);
    await containerd.start();
  });

  it('may be killed, before and while they are needed', async () => {
    await full();
    for (const pid of standbys(containerd)) process.kill(pid, 'SIGKILL');
    await run('s3', 'true');
    await remove('s3');
    await full();
    // Stopped, they look alive until they are needed.
    const stopped = standbys(containerd);
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    const killed = waitFor('an assignment', () => standbys(containerd).length > 2 && true)
      .catch(() => undefined)
      .then(() => {
        for (const pid of stopped) process.kill(pid, 'SIGKILL');
      });
    expect(
      await containerd.ctrOk('run', '--rm', '--runtime', runtime, busybox, 's4', 'echo', 'hi'),
    ).to.equal('hi');
    await killed;
    await run('s5', 'true'); // what was killed is replaced with the next task
    await remove('s5');
    await full();
  });

  it('serve as many as there are, and more are started for the rest', async () => {
    await full();
    const ids = Array.from({ length: 20 }, (_, n) => `p${n}`);
    const outputs = await Promise.all(
      ids.map((id) =>
        containerd.ctrOk('run', '--rm', '--runtime', runtime, busybox, id, 'echo', id),
      ),
    );
    expect(outputs).to.deep.equal(ids);
    await full();
  }).timeout(60_000);
});
