import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { applyResources, cgroupExists, createCgroup, openCgroup } from '#lib/cgroup/cgroup';
import { controllerDirectory, detectCgroups, type Cgroup } from '#lib/cgroup/layout';
import { oomKills, watchOom } from '#lib/cgroup/oom';
import { addProcess, freeze, isFrozen, killAll, pids, remove, thaw } from '#lib/cgroup/processes';
import { stats } from '#lib/cgroup/stats';
import type { Resources } from '#spec/oci/resources';

/** Whether this process may make cgroups here. */
function writable(): boolean {
  try {
    const [hierarchy] = detectCgroups().hierarchies;
    fs.accessSync(hierarchy?.mountPoint ?? '/sys/fs/cgroup', fs.constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

describe('a cgroup on this machine', function () {
  const group = `/cgroup-test-${process.pid}`;
  let cgroup: Cgroup;

  before(function () {
    if (!writable()) this.skip(); // needs root and a writable /sys/fs/cgroup
  });

  beforeEach(() => {
    cgroup = openCgroup(detectCgroups(), `${group}/inner`);
  });

  afterEach(async () => {
    await killAll(openCgroup(detectCgroups(), group));
    await remove(openCgroup(detectCgroups(), group));
  });

  function create(resources: Resources): Cgroup {
    return createCgroup(detectCgroups(), `${group}/inner`, resources);
  }

  /** A process in `cgroup` that runs a shell command. */
  function start(command: string): ChildProcess {
    const child = spawn('sh', ['-c', `read go; ${command}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    addProcess(cgroup, child.pid!);
    child.stdin.write('\n');
    return child;
  }

  const v1 = (controller: string, file: string) =>
    fs.readFileSync(`${controllerDirectory(cgroup, controller)!}/${file}`, 'utf8').trim();

  it('is made in every hierarchy, with its limits, and removed', async function () {
    if (detectCgroups().version === 'v2') this.skip(); // reads files of v1
    create({
      memory: { limit: 33554432, reservation: 16777216, swap: 67108864 },
      cpu: { shares: 512, quota: 50000, period: 100000, cpus: '0' },
      pids: { limit: 11 },
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
      ],
    });
    expect(v1('memory', 'memory.limit_in_bytes')).to.equal('33554432');
    expect(v1('memory', 'memory.memsw.limit_in_bytes')).to.equal('67108864');
    expect(v1('cpu', 'cpu.shares')).to.equal('512');
    expect(v1('cpu', 'cpu.cfs_quota_us')).to.equal('50000');
    expect(v1('cpuset', 'cpuset.cpus')).to.equal('0');
    expect(v1('cpuset', 'cpuset.mems')).to.equal('0');
    expect(v1('pids', 'pids.max')).to.equal('11');
    expect(v1('devices', 'devices.list')).to.equal('c 1:3 rw');
    await remove(cgroup);
    expect(cgroupExists(cgroup)).to.be.false;
    await remove(cgroup);
  });

  it('raises and lowers memory and swap together', function () {
    if (detectCgroups().version === 'v2') this.skip(); // v2 has no sum
    create({ memory: { limit: 33554432, swap: 33554432 } });
    applyResources(cgroup, { memory: { limit: 134217728, swap: 134217728 } });
    expect(v1('memory', 'memory.limit_in_bytes')).to.equal('134217728');
    applyResources(cgroup, { memory: { limit: 67108864, swap: 67108864 } });
    expect(v1('memory', 'memory.memsw.limit_in_bytes')).to.equal('67108864');
    applyResources(cgroup, { memory: { limit: -1 } });
    expect(stats(cgroup).memory.limit).to.equal(Infinity);
  });

  it('names the file that the kernel did not accept, and leaves nothing behind', function () {
    if (detectCgroups().version === 'v2') this.skip(); // names a file of v1
    expect(() => create({ cpu: { period: 5 } })).to.throw(
      `write 5 to /sys/fs/cgroup/cpu${group}/inner/cpu.cfs_period_us: EINVAL`,
    );
    expect(cgroupExists(cgroup)).to.be.false;
    expect(cgroupExists(openCgroup(detectCgroups(), group))).to.be.false;
  });

  it('says which controller is missing', function () {
    if (controllerDirectory(cgroup, 'net_cls') !== undefined) this.skip(); // this machine has it
    expect(() => create({ network: { classID: 5 } })).to.throw(
      /net_cls.classid: this machine has no cgroup controller|needs cgroup v1/,
    );
  });

  it('lists, freezes, thaws and kills its processes', async () => {
    create({});
    const child = start('sleep 60 & wait');
    await until(() => pids(cgroup).length === 2);
    expect(pids(cgroup)).to.include(child.pid);
    await freeze(cgroup);
    expect(isFrozen(cgroup)).to.be.true;
    thaw(cgroup);
    expect(isFrozen(cgroup)).to.be.false;
    await freeze(cgroup);
    await killAll(cgroup);
    expect(pids(cgroup)).to.deep.equal([]);
  });

  it('counts processor time, processes and memory', async () => {
    create({ memory: { limit: 67108864 }, pids: { limit: 20 } });
    start('i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; sleep 60');
    await until(() => stats(cgroup).cpu.usage > 1e6);
    const { cpu, memory, pids: processes } = stats(cgroup);
    expect(cpu.usage).to.be.above(1e6);
    expect(memory).to.include({ limit: 67108864 });
    expect(memory.usage).to.be.above(0);
    expect(memory.details.size).to.be.above(5);
    expect(processes).to.deep.equal({ current: processes.current, limit: 20 });
    expect(processes.current).to.be.above(0);
  });

  it('tells of processes killed for want of memory', async function () {
    create({ memory: { limit: 8388608, swap: 8388608 } });
    let told = 0;
    const stop = watchOom(cgroup, () => told++);
    const child = start('exec tail /dev/zero');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(oomKills(cgroup)).to.be.above(0);
    await until(() => told > 0);
    stop();
    expect(told).to.equal(1);
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited 5 s in vain');
    await sleep(5);
  }
}

describe('openCgroup', () => {
  it('refuses paths that leave the hierarchy', () => {
    const layout = { version: 'v1', hierarchies: [] } as const;
    for (const bad of ['/', '', '/a/../..', '..', 'a\0b']) {
      expect(() => openCgroup(layout, bad)).to.throw('is not the path of a cgroup');
    }
    expect(openCgroup(layout, 'a//b/').path).to.equal('/a/b');
  });
});
