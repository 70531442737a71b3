/** Properties of config.json that change one thing, by what the process of the container sees of it. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { expect } from 'chai';
import type { Resources } from '#spec/oci/resources';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { needPeers } from '../harness/peers.ts';
import { describeContainers } from './fixture.ts';

describeContainers('settings', (fixture) => {
  /** What a script prints in a container with this change; nothing may go wrong. */
  function printed(script: string, change: (config: RuntimeConfig) => void): string {
    const { status, stdout, stderr } = fixture().shell(script, change);
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    return stdout.trim();
  }

  it('linux.timeOffsets', () => {
    const uptime = printed('cat /proc/uptime', ({ linux }) => {
      linux!.namespaces!.push({ type: 'time' });
      linux!.timeOffsets = { boottime: { secs: 1_000_000 }, monotonic: { secs: 5, nanosecs: 7 } };
    });
    expect(Number(uptime.split(' ')[0]) - os.uptime()).to.be.within(999_990, 1_000_010);
  });

  it('a time namespace by path is joined, and its offsets are not for this container to set', () => {
    const path = '/proc/self/ns/time';
    const joined = printed('readlink /proc/self/ns/time', ({ linux }) => {
      linux!.namespaces!.push({ type: 'time', path });
    });
    expect(joined).to.equal(fs.readlinkSync(path));
    const { status, stderr } = fixture().shell('true', ({ linux }) => {
      linux!.namespaces!.push({ type: 'time', path });
      linux!.timeOffsets = { boottime: { secs: 5 } };
    });
    expect(status).to.equal(1);
    expect(stderr).to.contain('linux.timeOffsets: cannot be set of a time namespace');
  });

  it('linux.timeOffsets that the kernel refuses are named', () => {
    const { status, stderr } = fixture().shell('true', ({ linux }) => {
      linux!.namespaces!.push({ type: 'time' });
      linux!.timeOffsets = { boottime: { secs: -(2 ** 40) } };
    });
    expect(status).to.equal(1);
    expect(stderr).to.contain('linux.timeOffsets');
  });

  it('linux.sysctl of network, ipc and uts namespaces, in both spellings', () => {
    const names = ['net/ipv4/ip_forward', 'kernel/shm_rmid_forced', 'kernel/domainname'];
    const values = printed(`cd /proc/sys; cat ${names.join(' ')}`, ({ linux }) => {
      linux!.sysctl = {
        'net.ipv4.ip_forward': '1',
        'kernel/shm_rmid_forced': '1',
        'kernel.domainname': 'example.org',
      };
    });
    expect(values).to.equal('1\n1\nexample.org');
  });

  /** What a program of the host says of the first process, which runs with this change. */
  function toldBy(program: string[], change: (config: RuntimeConfig) => void): string {
    const { bundle, id } = fixture();
    const { status, stderr } = fixture().create(['sleep', '60'], change);
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
    const [file = '', ...args] = program;
    return execFileSync(file, [...args, String(pid)], { encoding: 'utf8' });
  }

  it('linux.personality, for an exec too', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], ({ linux }) => (linux!.personality = { domain: 'LINUX32' }));
    bundle.run(['start', id]);
    const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
    expect(fs.readFileSync(`/proc/${pid}/personality`, 'utf8')).to.equal('00000008\n');
    expect(bundle.run(['exec', id, 'uname', '-m']).stdout).to.match(/^(i686|armv8l)$/m);
  });

  it('linux.personality.flags: there are none', () => {
    const { stderr } = fixture().shell('true', ({ linux }) => {
      linux!.personality = { domain: 'LINUX', flags: ['x'] };
    });
    expect(stderr).to.contain('linux.personality.flags: none are defined');
  });

  for (const [scheduler, told] of [
    [{ policy: 'SCHED_OTHER', nice: 7 }, /SCHED_OTHER/],
    [{ policy: 'SCHED_BATCH', nice: 3 }, /SCHED_BATCH/],
    [{ policy: 'SCHED_IDLE' }, /SCHED_IDLE/],
    [
      { policy: 'SCHED_DEADLINE', runtime: 1e6, deadline: 1e7, period: 2e7 },
      /SCHED_DEADLINE[^]*1000000\/10000000\/20000000/,
    ],
  ] as const) {
    it(`process.scheduler: ${scheduler.policy}`, function () {
      needPeers(this, 'chrt');
      const said = toldBy(['chrt', '-p'], ({ process }) => (process.scheduler = scheduler));
      expect(said).to.match(told);
    });
  }

  it('process.scheduler: a realtime policy needs time that the cgroup has', function () {
    needPeers(this, 'chrt');
    const files = '/sys/fs/cgroup/cpu/cpu.rt_runtime_us';
    if (!fs.existsSync(files)) this.skip(); // this kernel does not keep it per group
    const realtime = (config: RuntimeConfig) => {
      config.process.scheduler = {
        policy: 'SCHED_RR',
        priority: 5,
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
      };
    };
    const { status, stderr } = fixture().shell('true', realtime);
    expect(status).to.equal(1);
    expect(stderr).to.contain('linux.resources.cpu.realtimeRuntime');
    const told = toldBy(['chrt', '-p'], (config) => {
      realtime(config);
      const cpu = { realtimePeriod: 1_000_000, realtimeRuntime: 10_000 };
      config.linux!.resources = { ...config.linux!.resources, cpu };
    });
    expect(told).to.match(/SCHED_RR\|SCHED_RESET_ON_FORK[^]*priority: 5/);
  });

  for (const [ioPriority, told] of [
    [{ class: 'IOPRIO_CLASS_RT', priority: 3 }, 'realtime: prio 3\n'],
    [{ class: 'IOPRIO_CLASS_BE', priority: 6 }, 'best-effort: prio 6\n'],
    [{ class: 'IOPRIO_CLASS_IDLE', priority: 0 }, 'idle\n'],
  ] as const) {
    it(`process.ioPriority: ${ioPriority.class}`, function () {
      needPeers(this, 'ionice');
      const said = toldBy(['ionice', '-p'], ({ process }) => (process.ioPriority = ioPriority));
      expect(said).to.equal(told);
    });
  }

  it('process.cwd is made, also in a root that is read-only', () => {
    const made = printed('pwd; touch x 2> /dev/null || echo read-only', ({ process }) => {
      process.cwd = '/made/for/it';
    });
    expect(made).to.equal('/made/for/it\nread-only');
  });

  it('process.oomScoreAdj, rlimits and umask', () => {
    const values = printed('cat /proc/self/oom_score_adj; ulimit -n; umask', ({ process }) => {
      process.oomScoreAdj = 321;
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 99, hard: 100 }];
      process.user.umask = 0o27;
    });
    expect(values).to.equal('321\n99\n0027');
  });

  describe('without CAP_SYS_RESOURCE', () => {
    before(function () {
      const held = /^CapEff:\s*(\w+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];
      if ((BigInt(`0x${held ?? '0'}`) >> 24n) & 1n) this.skip(); // the caller holds it
    });

    for (const [property, change] of [
      [
        'process.rlimits[0]',
        ({ process }) => {
          process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 2 ** 30, hard: 2 ** 30 }];
        },
      ],
      ['process.oomScoreAdj', ({ process }) => (process.oomScoreAdj = -900)],
    ] as const satisfies readonly (readonly [string, (config: RuntimeConfig) => void])[]) {
      it(`${property} that needs it is refused by that name`, () => {
        const { status, stderr } = fixture().shell('true', change);
        expect(status).to.equal(1);
        expect(stderr).to.contain(property).and.contain('this needs CAP_SYS_RESOURCE');
      });
    }

    it('a container that asks for it runs without it, and the log says so', () => {
      const { status, stdout, stderr } = fixture().shell(
        'grep CapEff /proc/self/status',
        ({ process }) => {
          const asked = ['CAP_SYS_RESOURCE', 'CAP_KILL'];
          process.capabilities = { bounding: asked, permitted: asked, effective: asked };
        },
      );
      expect({ status, stdout }).to.deep.equal({
        status: 0,
        stdout: 'CapEff:\t0000000000000020\n',
      });
      expect(stderr).to.contain('level=warning').and.contain('CAP_SYS_RESOURCE');
    });
  });

  it('process.capabilities left out: none, whoever the user is', () => {
    const sets = printed('grep ^Cap /proc/self/status', ({ process }) => {
      delete process.capabilities;
    });
    expect(sets.match(/[0-9a-f]{16}/g)).to.deep.equal(Array(5).fill('0'.repeat(16)));
  });

  for (const [what, resources] of [
    ['linux.resources', undefined],
    ['linux.resources.devices', {}],
  ] as const) {
    it(`${what} left out: no device of the host but the harmless ones`, () => {
      const script =
        'mknod /dev/k c 1 11; mknod /dev/z c 1 5; head -c 1 /dev/z > /dev/null; cat /dev/k';
      const { stdout, stderr } = fixture().shell(script, ({ linux, process }) => {
        const asked = ['CAP_MKNOD', 'CAP_SYSLOG'];
        process.capabilities = { bounding: asked, permitted: asked, effective: asked };
        delete linux!.resources;
        if (resources) linux!.resources = resources;
      });
      expect({ stdout, stderr }).to.deep.equal({
        stdout: '',
        stderr: "cat: can't open '/dev/k': Operation not permitted\n",
      });
    });
  }

  it('linux.memoryPolicy, for an exec too', function () {
    if (!fs.existsSync('/proc/self/numa_maps')) this.skip(); // a kernel without NUMA
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], ({ linux }) => {
      linux!.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] };
    });
    bundle.run(['start', id]);
    const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
    const policy = / bind=static:0 stack /;
    expect(fs.readFileSync(`/proc/${pid}/numa_maps`, 'utf8')).to.match(policy);
    expect(bundle.run(['exec', id, 'cat', '/proc/self/numa_maps']).stdout).to.match(policy);
  });

  it('linux.memoryPolicy: a mode that does not exist, and a node that is not there', () => {
    const refusal = (mode: string, nodes: string) =>
      fixture().shell('true', ({ linux }) => (linux!.memoryPolicy = { mode, nodes })).stderr;
    expect(refusal('MPOL_X', '0')).to.contain('linux.memoryPolicy.mode').and.contain('MPOL_BIND');
    expect(refusal('MPOL_BIND', '900')).to.contain('linux.memoryPolicy');
  });

  for (const [what, resources, missing] of [
    ['hugepageLimits', { hugepageLimits: [{ pageSize: '2MB', limit: 2 ** 21 }] }, 'hugetlb'],
    ['network.classID', { network: { classID: 0x10_0001 } }, 'net_cls'],
    ['network.priorities', { network: { priorities: [{ name: 'lo', priority: 1 }] } }, 'net_prio'],
    ['rdma', { rdma: { mlx5_1: { hcaHandles: 1 } } }, 'rdma'],
  ] as const satisfies readonly (readonly [string, Resources, string])[]) {
    it(`linux.resources.${what} without its controller is an error that names it`, function () {
      const controllers = fs.readFileSync('/proc/self/cgroup', 'utf8');
      if (new RegExp(`[:,]${missing}[:,]`).test(controllers)) this.skip(); // it is there
      if (fs.existsSync('/sys/fs/cgroup/cgroup.controllers')) this.skip(); // see integration-tests/vm
      const { status, stderr } = fixture().shell('true', ({ linux }) => {
        linux!.resources = { ...linux!.resources, ...resources };
      });
      expect(status).to.equal(1);
      expect(stderr).to.contain(`no cgroup controller \\"${missing}\\"`);
    });
  }

  it('process.execCPUAffinity', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], ({ process }) => {
      process.execCPUAffinity = { initial: '0', final: '0' };
    });
    bundle.run(['start', id]);
    const { stdout, stderr } = bundle.run([
      'exec',
      id,
      'grep',
      'Cpus_allowed_list',
      '/proc/self/status',
    ]);
    expect(stderr).to.equal('');
    expect(stdout).to.match(/:\s0\n$/);
  });

  it('linux.rootfsPropagation', () => {
    const script =
      'while read -r id parent device source place flags field rest; do [ "$place" = / ] && echo "$field"; done < /proc/self/mountinfo; true';
    const ofRoot = (propagation: 'private' | 'shared' | 'unbindable') =>
      printed(script, ({ linux }) => {
        linux!.rootfsPropagation = propagation;
      });
    expect(ofRoot('private')).to.equal('-');
    expect(ofRoot('shared')).to.match(/^shared:\d+$/);
    expect(ofRoot('unbindable')).to.equal('unbindable');
  });

  it('linux.intelRdt is refused by name where the machine has no resctrl', function () {
    if (fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl ')) this.skip();
    const { id, bundle } = fixture();
    const { status, stderr } = fixture().shell('true', ({ linux }) => {
      linux!.intelRdt = { closID: 'x' };
    });
    expect(status).to.equal(1);
    expect(stderr).to.contain(
      'linux.intelRdt: intelRdt is specified in config, but Intel RDT is not',
    );
    expect(fs.readdirSync(bundle.root)).to.deep.equal([]);
    bundle.configure(['sleep', '100']);
    bundle.run(['run', '--detach', id]);
    const update = bundle.run(['update', '--l3-cache-schema', 'L3:0=f', id]);
    expect(update.stderr).to.contain('Intel RDT is not enabled');
  });

  describe('user namespaces', () => {
    const ranges = [
      { containerID: 0, hostID: 100_000, size: 10 },
      { containerID: 10, hostID: 200_000, size: 10 },
      { containerID: 1000, hostID: 300_000, size: 1 },
    ];
    const mapped = (config: RuntimeConfig) => {
      fs.chownSync(fixture().rootfs, 100_000, 100_000);
      config.linux!.namespaces!.push({ type: 'user' });
      config.linux!.uidMappings = ranges;
      config.linux!.gidMappings = ranges;
    };

    it('have several ranges, and any of their ids may be the user', () => {
      const map = printed('id -u; id -G; cat /proc/self/uid_map', (config) => {
        mapped(config);
        config.process.user = { uid: 1000, gid: 12, additionalGids: [3] };
      });
      expect(map.replaceAll(/ +/g, ' ')).to.equal(
        '1000\n12 3\n 0 100000 10\n 10 200000 10\n 1000 300000 1',
      );
    });

    it('are joined by path, with an exec into them', () => {
      const { bundle, id } = fixture();
      fixture().create(['sleep', '60'], mapped);
      bundle.run(['start', id]);
      const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
      const second = `${id}-joined`;
      try {
        bundle.configure(['readlink', '/proc/self/ns/user'], (config) => {
          config.linux!.namespaces!.push({ type: 'user', path: `/proc/${pid}/ns/user` });
          config.linux!.cgroupsPath = `/${second}`;
        });
        const joined = bundle.run(['run', second]);
        expect(joined.stderr).to.equal('');
        expect(joined.stdout.trim()).to.equal(fs.readlinkSync(`/proc/${pid}/ns/user`));
      } finally {
        bundle.run(['delete', '--force', second]);
      }
      expect(bundle.run(['exec', '--user', '1000', id, 'id', '-u']).stdout).to.equal('1000\n');
    });
  });
});
