/** What inspect shows of a container, compared word for word with what a real dockerd shows of the same one. */
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { newerPeers } from '../harness/newer-peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { run } from '../harness/command.ts';
import { differences } from './compare-json.ts';

/** Versions that shape a container differently; the newest that this dockerd speaks comes last. */
const versions = ['1.24', '1.39', '1.41', '1.43', '1.44', '1.45'];

/** By name, what `docker create` is given before the image. */
const containers: Readonly<Record<string, readonly string[]>> = {
  plain: [],
  terminal: ['-it', '-h', 'box', '-w', '/tmp', '-e', 'A=b', '-l', 'tier=web', '-u', 'nobody'],
  limited: [
    ...['-m', '64m', '--memory-reservation', '32m', '--cpus', '0.5', '--cpu-shares', '512'],
    ...['--cpuset-cpus', '0', '--pids-limit', '50', '--ulimit', 'nofile=512:1024'],
    ...['--oom-score-adj', '100', '--shm-size', '1m', '--blkio-weight', '0'],
  ],
  quota: ['--cpu-period', '50000', '--cpu-quota', '25000', '--pids-limit', '-1'],
  secured: [
    ...['--cap-add', 'NET_ADMIN', '--cap-drop', 'CHOWN', '--read-only', '--init'],
    ...['--security-opt', 'no-new-privileges', '--security-opt', 'seccomp=unconfined'],
    ...['--sysctl', 'net.ipv4.ip_forward=1', '--group-add', 'root', '--ipc', 'shareable'],
  ],
  open: ['--privileged', '--pid', 'host', '--ipc', 'host', '--uts', 'host', '--userns', 'host'],
  unmasked: ['--security-opt', 'systempaths=unconfined', '--cgroupns', 'private'],
  mounting: [
    ...['-v', '/usr:/host:ro', '-v', '/usr:/own:rw,private', '--tmpfs', '/t:size=64k'],
    ...['--mount', 'type=tmpfs,dst=/m,tmpfs-size=1m,tmpfs-mode=1770', '-v', 'like-volume:/v'],
    ...['-v', '/:/all'],
    ...['--mount', 'type=bind,src=/usr,dst=/b,readonly,bind-propagation=rslave'],
    ...['--mount', 'type=volume,src=like-volume,dst=/w,volume-nocopy'],
  ],
  reaching: [
    ...['-p', '127.0.0.1:18080:80', '-p', '9/udp', '--expose', '7', '--dns', '192.0.2.1'],
    ...[
      '--dns-search',
      'example.org',
      '--add-host',
      'other:192.0.2.2',
      '--domainname',
      'example.org',
    ],
  ],
  lasting: [
    ...['--restart', 'on-failure:3', '--stop-signal', 'USR1', '--stop-timeout', '7'],
    ...['--health-cmd', 'true', '--health-interval', '5s', '--device', '/dev/null:/dev/other:r'],
    ...['--log-opt', 'max-size=10k', '--entrypoint', '/bin/sh', '--device-cgroup-rule', 'c 1:3 r'],
  ],
  addressed: ['--mac-address', '02:42:00:00:00:09'],
  alone: ['--network', 'none'],
};

/**
 * Where the two may differ, with the reason. What is random or belongs to one engine's folders is not compared.
 */
const allowed: readonly RegExp[] = [
  /^\.(Id|Created|Image|Driver|HostnamePath|HostsPath|LogPath|ResolvConfPath)$/,
  /^\.GraphDriver\./, // the storage driver's own
  /^\.HostConfig\.Runtime$/, // ours is called runtime
  /^\.HostConfig\.MaskedPaths$/, // Docker 28 masks /proc/interrupts, too, and this dockerd is older
  /^\.NetworkSettings\.Networks\.\w+\.NetworkID$/, // dockerd notes it at the first start
  /^\.NetworkSettings\.MacAddress$/, // shown here while the container runs
  /^\.Mounts\[\d+\]\.Source$/, // volumes lie in folders of their engine
];

describe('inspect, beside a real dockerd', () => {
  let stack: Stack;
  let docker: RealDocker | undefined;
  let busybox: string;
  const names = Object.keys(containers);
  const args = (name: string): string[] => [
    ...['create', '--name', `like-${name}`, ...(containers[name] ?? [])],
    ...[busybox, 'sleep', '60'],
  ];

  const inspected = async (host: string, version: string, name: string): Promise<unknown> => {
    const socket = host.replace('unix://', '');
    const url = `http://engine/v${version}/containers/like-${name}/json`;
    const { stdout } = await run('curl', ['-s', '--unix-socket', socket, url]);
    const container = JSON.parse(stdout) as {
      Id: string;
      Mounts: { Destination: string }[];
      HostConfig: { Binds: string[] | null };
    };
    const { Id: id } = container;
    // Ids are random, and so is the order in which Go, also the client's, walks through a map.
    container.HostConfig.Binds?.sort();
    container.Mounts.sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
    return JSON.parse(
      JSON.stringify(container).replaceAll(id, 'ID').replaceAll(id.slice(0, 12), 'ID'),
    );
  };

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker', 'containerd', 'runc', 'curl');
    this.timeout(600_000);
    const shimFolders = await newerPeers(this);
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await sharedStack();
    // In the machine's own network, so that both reach the registry.
    docker = await RealDocker.start({
      shimFolders,
      arguments: ['--bridge', 'none', '--iptables=false', '--ip6tables=false'],
    });
    await stack.engineOk('pull', '-q', busybox);
    await docker.dockerOk('pull', '-q', busybox);
  });

  after(async function () {
    this.timeout(60_000);
    await stack.docker('rm', '-f', 'like-running', ...names.map((name) => `like-${name}`));
    await stack.docker('volume', 'rm', 'like-volume');
    await docker?.stop();
  });

  /** What is different in any version, but for what may be. */
  const foundDifferences = async (
    name: string,
    more: readonly RegExp[] = [],
  ): Promise<string[]> => {
    const found: string[] = [];
    for (const version of versions) {
      const [our, their] = await Promise.all([
        inspected(stack.host, version, name),
        inspected(docker?.host ?? '', version, name),
      ]);
      for (const { path, first, second } of differences(our, their)) {
        if ([...allowed, ...more].some((pattern) => pattern.test(path))) continue;
        found.push(`${version} ${path}: ${first} here, ${second} there`);
      }
    }
    return found;
  };
  const onBoth = async (...command: string[]): Promise<void> => {
    const ours = await stack.docker(...command);
    const theirs = await docker?.docker(command);
    expect(ours.status, ours.stderr).to.equal(0);
    expect(theirs?.status, theirs?.stderr).to.equal(0);
  };

  for (const name of names) {
    it(`shows a container that is ${name}`, async function () {
      this.timeout(120_000);
      await onBoth(...args(name));
      expect(await foundDifferences(name)).to.deep.equal([]);
    });
  }

  it('shows a container that runs, and one that has run', async function () {
    this.timeout(120_000);
    const moments = [/^\.State\.(StartedAt|FinishedAt|Pid)$/];
    const sandbox = [/^\.NetworkSettings\.(SandboxID|SandboxKey)$/, /\.(EndpointID)$/];
    const run = ['run', '-d', '--name', 'like-running', '--network', 'none'];
    await onBoth(...run, busybox, 'sleep', '60');
    expect(await foundDifferences('running', [...moments, ...sandbox])).to.deep.equal([]);
    await onBoth('kill', 'like-running');
    await onBoth('wait', 'like-running');
    expect(await foundDifferences('running', [...moments, ...sandbox])).to.deep.equal([]);
  });
});
