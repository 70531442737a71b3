import fs from 'node:fs';
import { expect } from 'chai';
import { jsonTypes, packJson, unpackAny } from '#proto/any';
import { TaskExit } from '#proto/generated/containerd.events';
import { Metrics } from '#proto/generated/io.containerd.cgroups.v1';
import { readMachineState, settleTo } from '../harness/machine-state.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd, type DaemonOptions } from './real-containerd.ts';

const orderOfOom = [
  ...['/tasks/create', '/tasks/start', '/tasks/oom'],
  ...['/tasks/exit', '/tasks/delete'],
];

interface Cell extends DaemonOptions {
  name: string;
  peers: readonly string[];
  /** Our shim: it says more than containerd's own. */
  isOurShim: boolean;
}

/** crun refuses a machine with both versions of cgroups: it runs where v2 is not mounted. */
const crunOnHybrid = `#!/bin/sh
exec unshare --mount sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun "$@"' crun "$@"
`;

const cells: readonly Cell[] = [
  {
    name: 'our shim and runc under containerd',
    peers: ['containerd', 'runc'],
    isOurShim: true,
  },
  {
    name: 'our shim and crun under containerd',
    peers: ['containerd', 'crun'],
    binary: 'crun',
    isOurShim: true,
  },
  {
    name: 'our shim and our runtime under containerd',
    peers: ['containerd'],
    binary: '',
    isOurShim: true,
  },
  {
    name: 'containerd-shim-runc-v2 and runc under containerd-lite',
    peers: ['containerd-shim-runc-v2', 'runc'],
    daemon: 'containerd-lite',
    runtime: 'io.containerd.runc.v2',
    isOurShim: false,
  },
];

for (const cell of cells) {
  describe(cell.name, function () {
    const { runtime = 'io.containerd.lite.v2', isOurShim } = cell;
    let containerd: RealContainerd;
    let before: ReturnType<typeof readMachineState>;

    this.beforeAll(async function () {
      needRoot(this);
      needPeers(this, 'ctr', 'busybox', ...cell.peers);
      before = readMachineState();
      containerd = new RealContainerd(cell);
      if (cell.binary === 'crun') containerd.useRuntime(crunOnHybrid);
      await containerd.start();
    });
    this.afterAll(async () => {
      await containerd.stop();
      const different = (await settleTo(before)).filter((line) =>
        line.includes(containerd.namespace),
      );
      expect(different).to.deep.equal([]);
    });

    it('runs a container: output, exit status, events in their order', async () => {
      const { tasks } = containerd.client;
      const { stdio } = await containerd.create('run', {
        args: ['sh', '-c', 'echo out; echo err >&2; exit 7'],
      });
      await tasks.start({ containerId: 'run' });
      expect((await tasks.wait({ containerId: 'run' })).exitStatus).to.equal(7);
      await stdio.ended;
      expect(stdio).to.include({ stdout: 'out\n', stderr: 'err\n' });
      expect((await containerd.remove('run')).exitStatus).to.equal(7);
      const topics = ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'];
      await waitFor('four events', () => containerd.topics('run').length >= 4);
      expect(containerd.topics('run')).to.deep.equal(topics);
      const exit = containerd.events.find(({ topic }) => topic === '/tasks/exit')?.event;
      expect(unpackAny(TaskExit, exit!)).to.include({
        containerId: 'run',
        id: 'run',
        exitStatus: 7,
      });
    });

    it('leaves no bundle, socket, mount or process behind', async () => {
      await containerd.create('gone', { args: ['true'] });
      const bundle = containerd.bundle('gone');
      const socket = /unix:\/\/([^"]+)/.exec(
        ['address', 'bootstrap.json'] // of shims up to 1.7, and of newer daemons
          .map((name) => `${bundle}/${name}`)
          .filter((file) => fs.existsSync(file))
          .map((file) => fs.readFileSync(file, 'utf8'))
          .join('\n'),
      )?.[1];
      const shim = containerd.shimPid('gone');
      await containerd.client.tasks.start({ containerId: 'gone' });
      await containerd.remove('gone');
      await waitFor('the shim to end', () => !isAlive(shim));
      expect(fs.existsSync(bundle)).to.be.false;
      expect(socket && fs.existsSync(socket)).to.be.false;
      expect(fs.readFileSync('/proc/mounts', 'utf8')).not.to.include(bundle);
    });

    it('hands input to the container until it is closed', async () => {
      const { stdio } = await containerd.create('input', { args: ['cat'], stdin: true });
      const { tasks } = containerd.client;
      await tasks.start({ containerId: 'input' });
      stdio.write('one\n');
      await waitFor('the echo', () => stdio.stdout === 'one\n');
      stdio.write('two\n');
      stdio.closeInput(); // alone this ends nothing: the shim holds a writer
      await waitFor('the echo', () => stdio.stdout === 'one\ntwo\n');
      expect((await tasks.get({ containerId: 'input' })).process?.status).to.equal('RUNNING');
      await tasks.closeIO({ containerId: 'input', stdin: true });
      expect((await tasks.wait({ containerId: 'input' })).exitStatus).to.equal(0);
      await containerd.remove('input');
    });

    it('gives a terminal that can be resized', async () => {
      const { stdio } = await containerd.create('tty', {
        args: ['sh', '-c', 'tty; read line; stty size; echo "got $line"; exit 3'],
        terminal: true,
        stdin: true,
      });
      const { tasks } = containerd.client;
      await tasks.start({ containerId: 'tty' });
      await waitFor('the name of the terminal', () => stdio.stdout.includes('/dev/pts/0'));
      await tasks.resizePty({ containerId: 'tty', width: 91, height: 37 });
      stdio.write('words\n');
      expect((await tasks.wait({ containerId: 'tty' })).exitStatus).to.equal(3);
      await containerd.remove('tty');
      await stdio.ended;
      stdio.closeInput();
      expect(stdio.stdout).to.include('37 91').and.include('got words');
    });

    it('runs execs beside the task', async () => {
      await containerd.create('execs', { args: ['sleep', '60'] });
      const { tasks } = containerd.client;
      await tasks.start({ containerId: 'execs' });
      const exec = { containerId: 'execs', execId: 'x1' };
      const args = ['sh', '-c', 'echo from exec; exit 9'];
      const { stdio } = await containerd.exec('execs', 'x1', { args });
      const waiting = tasks.wait(exec);
      expect((await waiting).exitStatus).to.equal(9);
      await stdio.ended;
      expect(stdio.stdout).to.equal('from exec\n');
      expect((await tasks.deleteProcess(exec)).exitStatus).to.equal(9);
      await containerd.remove('execs');
      const ofExec = ['/tasks/exec-added', '/tasks/exec-started', '/tasks/exit'];
      await waitFor('the last event', () => containerd.topics('execs').includes('/tasks/delete'));
      expect(containerd.topics('execs')).to.deep.equal([
        ...['/tasks/create', '/tasks/start', ...ofExec],
        ...['/tasks/exit', '/tasks/delete'],
      ]);
    });

    it('reports errors of the runtime in the words that clients look for', async () => {
      const error: unknown = await containerd
        .create('nope', { args: ['nosuchcommand'] })
        .catch((e: unknown) => e);
      expect(error)
        .to.have.property('message')
        .that.matches(
          /^failed to create shim task: OCI runtime create failed: .*executable file.* not found in \$PATH/,
        );
      await containerd.client.containers.delete({ id: 'nope' });
      expect(fs.existsSync(containerd.bundle('nope'))).to.be.false;
      expect(fs.readFileSync('/proc/mounts', 'utf8')).not.to.include(containerd.bundle('nope'));
    });

    it('pauses, resumes, updates, counts and lists', async () => {
      const { pid } = await containerd.create('ops', { args: ['sh', '-c', 'sleep 60 & wait'] });
      const { tasks } = containerd.client;
      const containerId = 'ops';
      await tasks.start({ containerId });
      const status = async () => (await tasks.get({ containerId })).process?.status;
      await tasks.pause({ containerId });
      expect(await status()).to.equal('PAUSED');
      await tasks.resume({ containerId });
      expect(await status()).to.equal('RUNNING');
      const resources = packJson(jsonTypes.linuxResources, {
        memory: { limit: 128 * 1024 * 1024 },
      });
      await tasks.update({ containerId, resources });
      const [metric] = (await tasks.metrics({ filters: [`id==${containerId}`] })).metrics;
      expect(unpackAny(Metrics, metric!.data!).memory?.usage?.limit).to.equal(128 * 1024 * 1024);
      const { processes } = await waitFor('both processes', async () => {
        const listed = await tasks.listPids({ containerId });
        return listed.processes.length === 2 && listed;
      });
      expect(processes.map((process) => process.pid)).to.include(pid);
      await containerd.remove('ops');
    });

    it('reports that the kernel killed for want of memory, before the exit', async () => {
      await containerd.create('oom', {
        args: ['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=200M count=1'],
        memoryLimitBytes: 16 * 1024 * 1024,
      });
      const { tasks } = containerd.client;
      await tasks.start({ containerId: 'oom' });
      await tasks.wait({ containerId: 'oom' });
      await containerd.remove('oom');
      await waitFor('the last event', () => containerd.topics('oom').includes('/tasks/delete'));
      const topics = containerd.topics('oom');
      // The real shim asks for reports once the container runs, and may have missed it.
      if (!isOurShim && !topics.includes('/tasks/oom')) return;
      expect(topics.indexOf('/tasks/oom')).to.be.greaterThan(0);
      if (isOurShim) expect(topics).to.deep.equal(orderOfOom);
    });

    it('sends output to a file or to a logger program', async () => {
      const { tasks } = containerd.client;
      const log = `${containerd.folder}/logs/out`;
      const script = `echo $CONTAINER_NAMESPACE/$CONTAINER_ID >${log}.id; exec 5>&-; cat <&3 >${log}.3 & cat <&4 >${log}.4; wait`;
      const args = ['sh', '-c', 'echo to stdout; echo to stderr >&2'];
      const run = async (id: string, logger: string) => {
        await containerd.create(id, { args, logger });
        await tasks.start({ containerId: id });
        await tasks.wait({ containerId: id });
        await containerd.remove(id);
      };
      await run('tofile', `file://${log}`);
      // runc's shim copies the two streams, and may still do so after the end.
      await waitFor('both lines', () => fs.readFileSync(log, 'utf8').split('\n').length === 3);
      expect(fs.readFileSync(log, 'utf8').split('\n').sort()).to.deep.equal([
        '',
        'to stderr',
        'to stdout',
      ]);
      await run('toprogram', `binary:///bin/sh?-c=${encodeURIComponent(script)}`);
      expect(fs.readFileSync(`${log}.id`, 'utf8')).to.equal(`${containerd.namespace}/toprogram\n`);
      expect(fs.readFileSync(`${log}.3`, 'utf8')).to.equal('to stdout\n');
      expect(fs.readFileSync(`${log}.4`, 'utf8')).to.equal('to stderr\n');
      const broken: unknown = await run('broken', 'binary:///no/such/logger').catch(
        (e: unknown) => e,
      );
      expect(broken)
        .to.have.property('message')
        .that.includes(isOurShim ? 'cannot start logger' : 'failed to start binary process');
      await containerd.client.containers.delete({ id: 'broken' });
    });

    it('outlives containerd and is found again', async () => {
      const { stdio } = await containerd.create('survivor', {
        args: ['sh', '-c', 'read line; echo "$line"; exit 5'],
        stdin: true,
      });
      const { tasks } = containerd.client;
      await tasks.start({ containerId: 'survivor' });
      await containerd.end('SIGKILL');
      await containerd.start();
      expect((await tasks.get({ containerId: 'survivor' })).process?.status).to.equal('RUNNING');
      stdio.write('still here\n');
      expect((await tasks.wait({ containerId: 'survivor' })).exitStatus).to.equal(5);
      await stdio.ended;
      stdio.closeInput();
      expect(stdio.stdout).to.equal('still here\n');
      await containerd.remove('survivor');
    });

    it('keeps the exit status while containerd is away', async () => {
      const { pid } = await containerd.create('quiet', { args: ['sh', '-c', 'sleep 0.5; exit 6'] });
      const { tasks } = containerd.client;
      await tasks.start({ containerId: 'quiet' });
      await containerd.end('SIGKILL');
      await waitFor('the end', () => !isAlive(pid));
      await containerd.start();
      expect((await tasks.wait({ containerId: 'quiet' })).exitStatus).to.equal(6);
      await containerd.remove('quiet');
    });

    it('is cleaned up after when it is killed', async () => {
      const { pid } = await containerd.create('orphan', { args: ['sleep', '60'] });
      await containerd.client.tasks.start({ containerId: 'orphan' });
      process.kill(containerd.shimPid('orphan'), 'SIGKILL');
      await waitFor('the container to be killed', () => !isAlive(pid));
      await waitFor('its exit', () => containerd.topics('orphan').includes('/tasks/exit'));
      await waitFor('the bundle to go', () => !fs.existsSync(containerd.bundle('orphan')));
      await containerd.client.containers.delete({ id: 'orphan' });
    });

    it('works for ctr run', async () => {
      const rootfs = `${containerd.folder}/rootfs`;
      // ctr passes runc's options to no other runtime than runc's own shim, so this uses our runtime.
      const cgroup = ['--cgroup', `/${containerd.namespace}-ctr1`];
      const flags = ['--rm', ...cgroup, '--runtime', runtime, '--rootfs'];
      const result = await containerd.ctr(
        ...['run', ...flags, rootfs, 'ctr1', '/bin/sh', '-c', 'echo hi; exit 4'],
      );
      expect(result).to.include({ status: 4, stdout: 'hi\n' });
    });
  });
}

/** Whether the process exists and is more than a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
