/** Limits and devices that the docker command line asks for, as processes of the container find them. */
import { expect } from 'chai';
import fs from 'node:fs';
import { optionFixture, type OptionFixture } from './option-fixture.ts';

const onVersion1 = !fs.existsSync('/sys/fs/cgroup/cgroup.controllers');

describe('limits and devices', () => {
  let fixture: OptionFixture;
  const box = 'limited';

  before(async function () {
    fixture = await optionFixture(this);
  });

  afterEach(async () => {
    await fixture.docker('rm', '-f', box);
  });

  /** What create warns of. */
  const warningOf = async (...options: string[]): Promise<string> => {
    const { stderr, status } = await fixture.docker(
      ...['create', '--name', box, ...options, fixture.busybox],
    );
    expect(status, stderr).to.equal(0);
    await fixture.ok('rm', box);
    return stderr.trim();
  };

  it('give devices by path, by folder and with permissions', async () => {
    expect(await fixture.shell(['--device', '/dev/null:/dev/mine:r'], 'ls /dev/mine')).to.equal(
      '/dev/mine',
    );
    const open =
      'head -c1 /dev/kmsg2 >/dev/null 2>&1 && echo r; echo x 2>/dev/null >/dev/kmsg2 && echo w; true';
    expect(await fixture.shell(['--device', '/dev/zero:/dev/kmsg2:r'], open)).to.equal('r\nw'); // in the default rules
    expect(
      await fixture.shell(['--device', '/dev/mapper'], 'ls /dev/mapper; true').catch(() => 'none'),
    ).to.be.a('string');
    expect(await fixture.fails('create', '--device', '/dev/nothing', fixture.busybox)).to.contain(
      'error gathering device information while adding custom device "/dev/nothing": no such file or directory',
    );
    expect(await fixture.fails('create', '--device', '/etc/passwd', fixture.busybox)).to.contain(
      'not a device node',
    );
    expect(await fixture.fails('create', '--gpus', 'all', fixture.busybox)).to.contain(
      'could not select device driver "" with capabilities: [[gpu]]',
    );
    expect(
      await fixture.fails('create', '--device-cgroup-rule', 'c 1:x rwm', fixture.busybox),
    ).to.match(/invalid/i);
  });

  it('let a device be made that a rule allows', async () => {
    const make = 'mknod /made c 10 229 && echo made; head -c0 /made 2>&1; true';
    expect(await fixture.shell([], make)).to.match(/made\nhead: \/made: Operation not permitted/);
    expect(await fixture.shell(['--device-cgroup-rule', 'c 10:229 rwm'], make)).to.equal('made');
  });

  it('give privileged containers the capabilities and devices of the host', async () => {
    const [capabilities, loop] = (
      await fixture.shell(
        ['--privileged', '--device', '/dev/null:/dev/other'],
        'grep ^CapEff /proc/self/status | cut -f2; ls /dev/kmsg /dev/other',
      )
    ).split('\n');
    const status = fs.readFileSync('/proc/self/status', 'utf8');
    const mask = (name: string): bigint =>
      BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)?.[1] ?? ''}`);
    expect(BigInt(`0x${capabilities ?? ''}`)).to.equal(mask('CapBnd') & mask('CapPrm'));
    expect(loop).to.equal('/dev/kmsg');
  });

  it('give real-time processor time, and name the group that has too little', async function () {
    if (!fs.existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us')) this.skip();
    const runtime = 'cat /sys/fs/cgroup/cpu/cpu.rt_runtime_us /sys/fs/cgroup/cpu/cpu.rt_period_us';
    expect(await fixture.shell(['--cpu-rt-runtime', '95000'], runtime)).to.equal('95000\n1000000');
    const own = ['--cpu-rt-runtime', '10000', '--cpu-rt-period', '500000'];
    expect(await fixture.shell(own, runtime)).to.equal('10000\n500000');
    const much = ['run', '--rm', '--cpu-rt-runtime', '999999', fixture.busybox];
    expect(await fixture.fails(...much)).to.match(
      /cannot allot 999999 microseconds of real-time processor time: the group \S+ has \d+ of 1000000/,
    );
    expect(
      await fixture.fails(
        'create',
        '--cpu-rt-runtime',
        '20',
        '--cpu-rt-period',
        '10',
        fixture.busybox,
      ),
    ).to.contain('cpu real-time runtime cannot be higher than cpu real-time period');
  });

  it('hold memory as far as the kernel does, and say where it does not', async function () {
    if (!onVersion1) this.skip();
    const file = (name: string): string => `cat /sys/fs/cgroup/memory/${name}`;
    expect(await fixture.shell(['--memory-swappiness', '7'], file('memory.swappiness'))).to.equal(
      '7',
    );
    const killer = `${file('memory.oom_control')} | head -1`;
    expect(await fixture.shell(['-m', '64m', '--oom-kill-disable'], killer)).to.equal(
      'oom_kill_disable 1',
    );
    expect(await warningOf('--oom-kill-disable')).to.contain('OOM killer is disabled');
    expect(await fixture.fails('create', '--storage-opt', 'size=1g', fixture.busybox)).to.contain(
      '--storage-opt is supported only for overlay over xfs',
    );
    expect(await fixture.fails('create', '--cpuset-cpus', '4000', fixture.busybox)).to.contain(
      'Requested CPUs are not available - requested 4000',
    );
  });

  it('set ulimits, sysctls, size of /dev/shm, domain and groups', async () => {
    const options = [
      ...['--ulimit', 'nofile=512:1024', '--ulimit', 'core=0', '--sysctl', 'kernel.shmmax=4096'],
      ...['--shm-size', '3m', '--domainname', 'example.org', '--group-add', 'root'],
      ...['--group-add', '4242'],
    ];
    const inside = [
      ...[
        'ulimit -n; ulimit -c; cat /proc/sys/kernel/shmmax',
        "df -k /dev/shm | awk 'END{print $2}'",
      ],
      ...['cat /proc/sys/kernel/domainname', 'id -G'],
    ].join('; ');
    const [files, core, shmmax, size, domain, groups] = (
      await fixture.shell(options, inside)
    ).split('\n');
    expect([files, core, shmmax, size, domain]).to.deep.equal([
      ...['512', '0', '4096', '3072', 'example.org'],
    ]);
    expect(groups?.split(' ')).to.include.members(['0', '4242']);
    expect(await fixture.fails('run', '--rm', '--group-add', 'nobodys', fixture.busybox)).to.match(
      /unable to find group nobodys/i,
    );
  });

  it('run what is asked for in place of the image’s entrypoint, as long as it is given', async () => {
    await fixture.ok(
      ...['create', '--name', box, '--entrypoint', '/bin/echo', fixture.busybox, 'from', 'entry'],
    );
    expect(await fixture.ok('start', '-a', box)).to.equal('from entry');
    await fixture.ok('commit', '-c', 'CMD ["own"]', box, `${box}:1`);
    await fixture.ok('rm', box);
    try {
      expect(await fixture.ok('run', '--rm', `${box}:1`)).to.equal('own');
      const reset = ['run', '--rm', '--entrypoint', '', `${box}:1`];
      expect(await fixture.ok(...reset, 'echo', 'reset')).to.equal('reset');
      expect(await fixture.fails(...reset)).to.contain('no command specified');
    } finally {
      await fixture.ok('rmi', `${box}:1`);
    }
  });

  it('stop with the signal and in the time that were chosen', async () => {
    const script = 'trap "exit 4" USR1; trap "" TERM; while :; do sleep 0.1; done';
    const options = ['--stop-signal', 'SIGUSR1', '--stop-timeout', '30', '--no-healthcheck'];
    await fixture.ok('run', '-d', '--name', box, ...options, fixture.busybox, 'sh', '-c', script);
    await fixture.ok('stop', box);
    const shown =
      '{{.State.ExitCode}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{.Config.Healthcheck.Test}}';
    expect(await fixture.ok('inspect', '-f', shown, box)).to.equal('4 SIGUSR1 30 [NONE]');
  });

  it('change while a container runs', async () => {
    await fixture.ok(
      'run',
      '-d',
      '--name',
      box,
      '--pids-limit',
      '30',
      fixture.busybox,
      'sleep',
      '300',
    );
    await fixture.ok(
      'update',
      '--pids-limit',
      '-1',
      '--cpu-period',
      '50000',
      '--cpu-quota',
      '25000',
      box,
    );
    const pids = 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max';
    expect(await fixture.ok('exec', box, 'sh', '-c', pids)).to.equal('max');
    const { stderr, status } = await fixture.docker('update', '--cpus', '0.5', box);
    expect([status, stderr]).to.deep.equal([
      1,
      'Error response from daemon: Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set\n',
    ]);
  });
});
