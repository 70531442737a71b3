/** Changing the limits of a container that runs, and measuring it. */
import { expect } from 'chai';
import { checked, run } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';

interface Stats {
  name: string;
  read: string;
  preread: string;
  cpu_stats: { cpu_usage: { total_usage: number }; system_cpu_usage: number; online_cpus: number };
  precpu_stats: { cpu_usage: { total_usage: number } };
  memory_stats: { usage: number; limit: number; stats: Record<string, number> };
  pids_stats: { current: number; limit?: number };
  networks: Record<string, { rx_bytes: number; tx_bytes: number }>;
}

const mebibyte = 1024 * 1024;

describe('limits that change, and measurements', () => {
  let stack: Stack;
  let busybox: string;
  const box = 'measured';

  const docker = (...args: string[]) => run('docker', ['-H', stack.host, ...args]);
  const { ok } = checked(docker);
  const statsOf = async (query: string): Promise<Stats> => {
    const socket = stack.host.replace('unix://', '');
    const url = `http://engine/v1.44/containers/${box}/stats?${query}`;
    const { stdout } = await run('curl', ['-s', '--unix-socket', socket, url]);
    return JSON.parse(stdout) as Stats;
  };

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker', 'curl');
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await sharedStack();
    await ok('pull', '-q', busybox);
  });

  beforeEach(async () => {
    const limits = ['-m', '64m', '--pids-limit', '50'];
    await ok('run', '-d', '--name', box, ...limits, busybox, 'sleep', '300');
  });

  afterEach(async () => {
    await docker('rm', '-f', box);
  });

  it('update holds at once and after a restart', async () => {
    await ok('update', '-m', '128m', '--memory-swap', '256m', '--pids-limit', '20', box);
    const limitInside = (): Promise<string> =>
      ok(
        ...['exec', box, 'sh', '-c'],
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max',
      );
    expect(Number(await limitInside())).to.equal(128 * mebibyte);
    await ok('restart', '-t', '0', box);
    expect(Number(await limitInside())).to.equal(128 * mebibyte);
    expect(
      await ok('inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}', box),
    ).to.equal(`${128 * mebibyte} 20`);
  });

  it('update changes the restart policy, and leaves what is not named', async () => {
    await ok('update', '--restart', 'on-failure:3', box);
    const shown = '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.Memory}}';
    expect(await ok('inspect', '-f', shown, box)).to.equal(`on-failure ${64 * mebibyte}`);
    await ok('update', '--cpus', '0.5', box);
    expect(await ok('inspect', '-f', shown, box)).to.equal(`on-failure ${64 * mebibyte}`);
  });

  it('update refuses what cannot be, and changes nothing', async () => {
    for (const [options, words] of [
      [['-m', '1m'], 'Minimum memory limit allowed is 6MB'],
      [['-m', '1g'], 'smaller than already set memoryswap limit'],
      [['--cpus', '1000'], 'range of CPUs'],
    ] as const) {
      const { status, stderr } = await docker('update', ...options, box);
      expect([status, stderr.includes(words)], stderr).to.deep.equal([1, true]);
    }
    expect(await ok('inspect', '-f', '{{.HostConfig.Memory}}', box)).to.equal(`${64 * mebibyte}`);
  });

  it('prune takes what has ended before a moment, and says what it took', async () => {
    const file = ['sh', '-c', 'dd if=/dev/zero of=/f bs=1k count=64 2>/dev/null'];
    await ok('run', '--name', 'pruned', '--label', 'prune=me', busybox, ...file);
    const prune = (...filters: string[]): Promise<string> =>
      ok('container', 'prune', '-f', ...filters.flatMap((filter) => ['--filter', filter]));
    expect(await prune('until=1h')).to.match(/^Total reclaimed space: 0B$/);
    expect(await prune('label!=prune')).to.not.contain('Deleted');
    const { status, stderr } = await docker('container', 'prune', '-f', '--filter', 'until=soon');
    expect([status, stderr]).to.deep.equal([
      1,
      'Error response from daemon: failed to parse value as time or duration: "soon"\n',
    ]);
    const pruned = await prune('until=0s', 'label=prune=me');
    expect(pruned).to.match(/Deleted Containers:\n[0-9a-f]{64}/);
    expect(pruned).to.not.contain('reclaimed space: 0B');
    expect(await ok('ps', '-aq', '--filter', 'name=pruned')).to.equal('');
  });

  it('system df tells what images, containers and volumes take', async () => {
    await ok('volume', 'create', 'measured-volume');
    try {
      const { stdout } = await run('curl', [
        ...['-s', '--unix-socket', stack.host.replace('unix://', ''), 'http://engine/system/df'],
      ]);
      const usage = JSON.parse(stdout) as {
        LayersSize: number;
        Images: { RepoTags: string[]; Containers: number }[];
        Containers: { Names: string[]; SizeRw: number }[];
        Volumes: { Name: string; UsageData: { RefCount: number; Size: number } }[];
      };
      expect(usage.LayersSize).to.be.greaterThan(0);
      const image = usage.Images.find(({ RepoTags }) => RepoTags.includes(`${busybox}:latest`));
      expect(image?.Containers).to.be.at.least(1);
      expect(usage.Containers.map(({ Names }) => Names[0])).to.include(`/${box}`);
      const volume = usage.Volumes.find(({ Name }) => Name === 'measured-volume');
      expect(volume?.UsageData).to.deep.equal({ RefCount: 0, Size: 0 });
      expect(await ok('system', 'df')).to.contain('Local Volumes');
    } finally {
      await ok('volume', 'rm', 'measured-volume');
    }
  });

  it('stats measures memory, processes, network and processor', async () => {
    const stats = await statsOf('stream=0');
    expect(stats.name).to.equal(`/${box}`);
    expect(stats.memory_stats.limit).to.equal(64 * mebibyte);
    expect(stats.memory_stats.usage).to.be.within(1, 64 * mebibyte);
    expect(stats.pids_stats).to.deep.equal({ current: 1, limit: 50 });
    expect(stats.cpu_stats.system_cpu_usage).to.be.greaterThan(0);
    expect(Date.parse(stats.read) - Date.parse(stats.preread)).to.be.greaterThan(500);
    expect(stats.networks).to.have.property('eth0');
    expect(await ok('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', box)).to.equal(
      `${box} 1`,
    );
  });

  it('stats of a container that does not run is all zero', async () => {
    await ok('stop', '-t', '0', box);
    const stats = await statsOf('stream=0&one-shot=1');
    expect(stats.read).to.equal('0001-01-01T00:00:00Z');
    expect(stats.cpu_stats.cpu_usage.total_usage).to.equal(0);
  });
});
