import { expect } from 'chai';
import { cgroupDirectories, controllerDirectory, detectCgroups } from '#lib/cgroup/layout';

const tmpfs = '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755';
const memory = '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory';
const cpu = '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct';
const systemd = '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd';
const unified = '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw';

describe('detectCgroups', () => {
  it('finds hierarchies, also of two controllers', () => {
    const layout = detectCgroups([tmpfs, memory, cpu, systemd].join('\n'));
    expect(layout.version).to.equal('v1');
    const cgroup = { layout, path: '/a/b' };
    expect(controllerDirectory(cgroup, 'cpuacct')).to.equal('/sys/fs/cgroup/cpu,cpuacct/a/b');
    expect(controllerDirectory(cgroup, 'pids')).to.equal(undefined);
    expect(cgroupDirectories(cgroup)).to.include('/sys/fs/cgroup/systemd/a/b');
  });

  it('tells hybrid from v2', () => {
    expect(detectCgroups([memory, unified].join('\n'))).to.include({
      version: 'hybrid',
      unified: '/sys/fs/cgroup/unified',
    });
    const alone = '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';
    expect(detectCgroups(alone)).to.deep.equal({
      version: 'v2',
      hierarchies: [],
      unified: '/sys/fs/cgroup',
    });
  });

  it('ignores what is mounted elsewhere', () => {
    const elsewhere = memory.replace('/sys/fs/cgroup/memory', '/var/lib/x/sys/fs/cgroup/memory');
    expect(() => detectCgroups(elsewhere)).to.throw('no cgroup file system is mounted');
  });
});
