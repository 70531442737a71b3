/** Properties of config.json that change one thing, by what the process of the container sees of it. */
import fs from 'node:fs';
import os from 'node:os';
import { expect } from 'chai';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
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

  it('linux.personality', () => {
    expect(
      printed('uname -m', ({ linux }) => (linux!.personality = { domain: 'LINUX32' })),
    ).to.match(/^(i686|armv8l)$/);
  });

  it('process.scheduler and process.ioPriority', () => {
    const own = printed("cut -d' ' -f 19,41 /proc/self/stat", ({ process }) => {
      process.scheduler = { policy: 'SCHED_BATCH', nice: 7 };
      process.ioPriority = { class: 'IOPRIO_CLASS_IDLE', priority: 0 };
    });
    expect(own).to.equal('7 3'); // SCHED_BATCH
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

  it('linux.memoryPolicy', () => {
    const { status, stderr } = fixture().shell('grep -m1 "" /proc/self/numa_maps', ({ linux }) => {
      linux!.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] };
    });
    // A kernel without NUMA has neither the call nor the file.
    if (status !== 0) expect(stderr).to.match(/linux\.memoryPolicy.*ENOSYS|numa_maps/);
  });

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
