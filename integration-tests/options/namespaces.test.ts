/** Namespaces that a container shares with the host or with another container, and the process that comes first in it. */
import { expect } from 'chai';
import fs from 'node:fs';
import { waitFor } from '../harness/wait.ts';
import { optionFixture, type OptionFixture } from './option-fixture.ts';

describe('namespaces of containers', () => {
  let fixture: OptionFixture;
  const giver = 'giver';
  const privateMounts = (): string[] =>
    fs
      .readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`${fixture.stack.root}/run/mounts/`));
  const give = (...options: string[]): Promise<string> =>
    fixture.ok(
      ...['run', '-d', '--name', giver, '--network', 'none', ...options],
      ...[fixture.busybox, 'sleep', '300'],
    );

  before(async function () {
    fixture = await optionFixture(this);
  });

  afterEach(async () => {
    await fixture.docker('rm', '-f', giver, 'taker');
    expect(privateMounts()).to.deep.equal([]);
  });

  it('share IPC and /dev/shm with a container that lends them', async () => {
    const id = await give('--ipc', 'shareable', '--shm-size', '2m');
    await fixture.ok('exec', giver, 'sh', '-c', 'echo shared > /dev/shm/f');
    const inside = 'cat /dev/shm/f; df -k /dev/shm | tail -1; readlink /proc/self/ns/ipc';
    const [text, size = '', ipc] = (
      await fixture.shell(['--ipc', `container:${giver}`], inside)
    ).split('\n');
    expect([text, ipc]).to.deep.equal([
      'shared',
      await fixture.ok('exec', giver, 'readlink', '/proc/self/ns/ipc'),
    ]);
    expect(size).to.match(/\b2048\b/);
    const taker = ['create', '--name', 'taker', '--ipc', `container:${giver}`, fixture.busybox];
    await fixture.ok(...taker, 'true');
    expect(await fixture.ok('inspect', '-f', '{{.HostConfig.IpcMode}}', 'taker')).to.equal(
      `container:${id}`,
    );
    expect(privateMounts()).to.have.length(1);
    await fixture.ok('stop', '-t', '0', giver);
    expect(privateMounts()).to.deep.equal([]);
    expect(await fixture.fails('start', 'taker')).to.match(
      /failed to join IPC namespace: .*is not running/,
    );
  });

  it('keep IPC for themselves unless told otherwise', async () => {
    await give();
    const inspected = await fixture.ok('inspect', '-f', '{{.HostConfig.IpcMode}}', giver);
    expect(inspected).to.equal('private');
    const run = ['run', '--rm', '--ipc'];
    expect(await fixture.fails(...run, `container:${giver}`, fixture.busybox)).to.contain(
      'non-shareable IPC (hint: use IpcMode:shareable for the donor container)',
    );
    expect(await fixture.fails(...run, 'container:nobody', fixture.busybox)).to.contain(
      'No such container: nobody',
    );
    expect(await fixture.fails(...run, 'sideways', fixture.busybox)).to.contain('invalid IPC mode');
  });

  it('have no /dev/shm with none, and the host’s with host', async () => {
    expect(
      await fixture.shell(['--ipc', 'none'], 'grep -c " /dev/shm " /proc/mounts; true'),
    ).to.equal('0');
    const hostIpc = fs.readlinkSync('/proc/self/ns/ipc');
    expect(await fixture.shell(['--ipc', 'host'], 'readlink /proc/self/ns/ipc')).to.equal(hostIpc);
  });

  it('survive the engine, which knows afterwards what it lends', async () => {
    await give('--ipc', 'shareable');
    await fixture.ok('exec', giver, 'touch', '/dev/shm/f');
    await fixture.stack.endEngined('SIGKILL');
    await fixture.stack.startEngined();
    expect(await fixture.shell(['--ipc', `container:${giver}`], 'ls /dev/shm')).to.equal('f');
  });

  it('share processes with a container, with the host, or with nobody', async () => {
    await give();
    const pidNamespace = 'readlink /proc/self/ns/pid';
    const own = await fixture.ok('exec', giver, 'readlink', '/proc/self/ns/pid');
    expect(
      await fixture.shell(['--pid', `container:${giver}`], `${pidNamespace}; cat /proc/1/comm`),
    ).to.equal(`${own}\nsleep`);
    expect(await fixture.shell(['--pid', 'host'], pidNamespace)).to.equal(
      fs.readlinkSync('/proc/self/ns/pid'),
    );
    expect(await fixture.shell([], pidNamespace)).to.not.equal(own);
    await fixture.ok('stop', '-t', '0', giver);
    expect(
      await fixture.fails('run', '--rm', '--pid', `container:${giver}`, fixture.busybox),
    ).to.match(/failed to join PID namespace: .*is not running/);
  });

  it('are the host’s or private ones for host name and cgroups', async () => {
    const uts = 'readlink /proc/self/ns/uts';
    expect(await fixture.shell(['--uts', 'host'], uts)).to.equal(
      fs.readlinkSync('/proc/self/ns/uts'),
    );
    const both = ['run', '--rm', '--uts', 'host', '--hostname', 'box', fixture.busybox];
    expect(await fixture.fails(...both)).to.contain(
      'conflicting options: hostname and the UTS mode',
    );
    const cgroup = 'readlink /proc/self/ns/cgroup';
    const hosts = fs.readlinkSync('/proc/self/ns/cgroup');
    expect(await fixture.shell(['--cgroupns', 'host'], cgroup)).to.equal(hosts);
    expect(await fixture.shell(['--cgroupns', 'private'], cgroup)).to.not.equal(hosts);
    expect(await fixture.shell(['--cgroupns', 'private'], 'cat /proc/self/cgroup')).to.not.match(
      /[0-9a-f]{64}/,
    );
    expect(await fixture.shell(['--userns', 'host'], 'cat /proc/self/uid_map')).to.match(
      /^\s*0\s+0\s+4294967295$/,
    );
  });

  it('lie in the cgroup that was asked for', async () => {
    const parent = '/options-test';
    await give('--cgroup-parent', parent);
    const pid = await fixture.ok('inspect', '-f', '{{.State.Pid}}', giver);
    const id = await fixture.ok('inspect', '-f', '{{.Id}}', giver);
    expect(fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8')).to.contain(`${parent}/${id}`);
    await fixture.ok('rm', '-f', giver);
    for (const controller of fs.readdirSync('/sys/fs/cgroup')) {
      const group = `/sys/fs/cgroup/${controller}${parent}`;
      if (fs.existsSync(group)) fs.rmdirSync(group);
    }
  });

  it('begin with an init that reaps and hands on signals', async () => {
    expect(
      await fixture.shell(['--init'], 'cat /proc/1/comm; cat /proc/1/cmdline | tr "\\0" " "'),
    ).to.equal(
      'docker-init\n/sbin/docker-init -- sh -c cat /proc/1/comm; cat /proc/1/cmdline | tr "\\0" " "',
    );
    const script =
      'trap "exit 5" TERM; for i in 1 2 3; do (sh -c "exit 0" &); done; while :; do sleep 0.1; done';
    await fixture.ok(
      ...['run', '-d', '--init', '--name', giver, '--network', 'none'],
      ...[fixture.busybox, 'sh', '-c', script],
    );
    await waitFor('orphans to be gone', async () => {
      const states = await fixture.ok(
        'exec',
        giver,
        'sh',
        '-c',
        'grep -h ^State: /proc/[0-9]*/status',
      );
      return !states.includes('Z (zombie)');
    });
    await fixture.ok('stop', giver);
    expect(
      await fixture.ok('inspect', '-f', '{{.State.ExitCode}} {{.HostConfig.Init}}', giver),
    ).to.equal('5 true');
    const missing = await fixture.docker('run', '--rm', '--init', fixture.busybox, 'no-such');
    expect(missing.status).to.equal(127);
    // In another's process namespace it would not be the first.
    expect(
      await fixture.shell(
        ['--init', '--pid', 'host'],
        'ps -o args | grep -c "[d]ocker-init -- sh"; true',
      ),
    ).to.equal('0');
  });
});
