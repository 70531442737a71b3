/** A real dockerd started with `--containerd <our socket>`. */
import { expect } from 'chai';
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { removeCgroups } from '../harness/cgroups.ts';
import { run, runOk } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { ContainerdLite } from './containerd-lite.ts';

describe('a real dockerd over containerd-lite', () => {
  const containerd = new ContainerdLite();
  const netns = containerd.namespace;
  const cgroup = `docker-${netns}`;
  const host = `unix://${containerd.folder}/docker.sock`;
  let dockerd: ChildProcess | undefined;
  let busybox: string;

  const docker = (...args: string[]) => run('docker', ['-H', host, ...args]);
  const dockerOk = async (...args: string[]) =>
    (await runOk('docker', ['-H', host, ...args])).stdout.trim();

  async function startDockerd(): Promise<void> {
    const log = fs.openSync(`${containerd.folder}/dockerd.log`, 'a');
    // A network namespace of its own keeps its rules and links away from the machine's.
    dockerd = spawn(
      'nsenter',
      [
        ...[`--net=/run/netns/${netns}`, '--', 'dockerd', '--live-restore'],
        ...['--config-file', `${containerd.folder}/daemon.json`],
        ...['--data-root', `${containerd.folder}/docker`, '--storage-driver', 'overlay2'],
        ...['--exec-root', `${containerd.folder}/exec`, '--pidfile', `${containerd.folder}/pid`],
        ...['-H', host, '--containerd', containerd.address, '--bridge', 'none'],
        ...['--iptables=false', '--cgroup-parent', `/${cgroup}`],
      ],
      { stdio: ['ignore', log, log] },
    );
    fs.closeSync(log);
    await waitFor('dockerd', async () => (await docker('version')).status === 0, 30_000);
  }

  async function endDockerd(signal: NodeJS.Signals): Promise<void> {
    const daemon = dockerd;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill(signal);
    await ended;
  }

  before(async function () {
    needRoot(this);
    needPeers(this, 'dockerd', 'docker', 'skopeo', 'containerd-shim-runc-v2', 'runc', 'ip');
    busybox = `${await devRegistry(this)}/busybox:latest`;
    fs.writeFileSync(`${containerd.folder}/daemon.json`, '{}');
    await containerd.start();
    await runOk('ip', ['netns', 'add', netns]);
    await startDockerd();
    const archive = `${containerd.folder}/busybox.tar`;
    const source = `docker://${busybox}`;
    await runOk('skopeo', [
      ...['copy', '--src-tls-verify=false', source],
      `docker-archive:${archive}:busybox:test`,
    ]);
    await dockerOk('load', '-i', archive);
  });

  after(async () => {
    if (dockerd) {
      const ids = (await docker('ps', '-aq')).stdout.split('\n').filter((id) => id !== '');
      if (ids.length > 0) await docker('rm', '-f', ...ids);
      await endDockerd('SIGTERM');
      await runOk('ip', ['netns', 'del', netns]);
    }
    const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
    for (const line of mounts.reverse()) {
      const target = line.split(' ')[1] ?? '';
      if (target.startsWith(`${containerd.folder}/docker`)) await run('umount', [target]);
    }
    await containerd.remove();
    removeCgroups(cgroup);
  });

  const runArgs = ['run', '--network', 'none'];

  it('runs containers to their end', async () => {
    const result = await docker(...runArgs, '--rm', 'busybox:test', 'sh', '-c', 'echo hi; exit 7');
    expect(result).to.include({ status: 7, stdout: 'hi\n' });
    expect(containerd.leftovers().filter((line) => line.includes('/moby/'))).to.deep.equal([]);
  });

  it('executes, pauses, measures and stops', async () => {
    await dockerOk(...runArgs, '-d', '--name', 'd1', 'busybox:test', 'sleep', '1000');
    expect(await docker('exec', 'd1', 'sh', '-c', 'echo in; exit 4')).to.include({
      status: 4,
      stdout: 'in\n',
    });
    await dockerOk('pause', 'd1');
    await dockerOk('unpause', 'd1');
    expect(await dockerOk('top', 'd1')).to.contain('sleep 1000');
    await dockerOk('stop', '-t', '0', 'd1');
    expect(await dockerOk('inspect', '-f', '{{.State.ExitCode}}', 'd1')).to.equal('137');
    await dockerOk('start', 'd1');
    await dockerOk('rm', '-f', 'd1');
  });

  it('keeps containers over SIGKILL of containerd-lite and of dockerd', async () => {
    await dockerOk(...runArgs, '-d', '--name', 'd2', 'busybox:test', 'sleep', '1000');
    const pid = await dockerOk('inspect', '-f', '{{.State.Pid}}', 'd2');
    await containerd.end('SIGKILL');
    await containerd.start();
    await waitFor('exec', async () => (await docker('exec', 'd2', 'echo', 'x')).status === 0);
    await endDockerd('SIGKILL');
    await startDockerd();
    expect(await dockerOk('inspect', '-f', '{{.State.Pid}}', 'd2')).to.equal(pid);
    expect(await dockerOk('exec', 'd2', 'echo', 'again')).to.equal('again');
    await dockerOk('kill', 'd2');
    await waitFor(
      'the end',
      async () => (await dockerOk('inspect', '-f', '{{.State.Status}}', 'd2')) === 'exited',
    );
    await dockerOk('rm', 'd2');
  });
});
