/** The cgroup namespace, the cgroup mount, and user namespaces made by root. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import type { Check } from './check.ts';
import { cgroupRoot, Container, rootfs, type Config } from './container.ts';

function withNamespace(type: string): (config: Config) => void {
  return ({ linux }) => {
    if (!linux.namespaces.some((namespace) => namespace.type === type)) {
      linux.namespaces.push({ type });
    }
  };
}

/** Root of the container is user 100000 here. */
function withUserNamespace(config: Config): void {
  withNamespace('user')(config);
  withNamespace('cgroup')(config);
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux['uidMappings'] = mapping;
  config.linux['gidMappings'] = mapping;
}

function withWritableCgroup({ mounts }: Config): void {
  const mount = mounts.find(({ type }) => type === 'cgroup');
  assert.ok(mount);
  mount.options = mount.options?.filter((option) => option !== 'ro') ?? [];
}

export const namespaceChecks: readonly Check[] = [
  {
    name: 'spec asks for a cgroup namespace where cgroup v2 is all there is',
    run() {
      new Container(['true'], ({ linux }) => {
        assert.ok(linux.namespaces.some(({ type }) => type === 'cgroup'));
      });
    },
  },
  {
    name: 'with a cgroup namespace the container sees its own group as the root',
    run() {
      const script =
        'cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs; cat /sys/fs/cgroup/pids.max';
      const container = new Container(['sh', '-c', script], withNamespace('cgroup'));
      const { status, output } = container.runToEnd();
      assert.equal(status, 0, output);
      assert.match(output, /^0::\/\n1\n\d+\nmax\n$/);
    },
  },
  {
    name: 'exec enters the cgroup namespace',
    run() {
      const container = new Container(['sleep', '1000'], withNamespace('cgroup')).start();
      assert.deepEqual(container.exec('cat', '/proc/self/cgroup'), { status: 0, output: '0::/\n' });
    },
  },
  {
    name: 'without a cgroup namespace the container sees its own group only',
    run() {
      const container = new Container(
        ['sh', '-c', 'cat /sys/fs/cgroup/cgroup.procs; ls -d /sys/fs/cgroup/checks 2>&1'],
        ({ linux }) => {
          linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup');
        },
      );
      assert.match(container.runToEnd().output, /^1\n\d+\nls: .*No such file or directory\n$/);
    },
  },
  {
    name: 'the cgroup mount is read-only when it is asked to be',
    run() {
      const container = new Container(['mkdir', '/sys/fs/cgroup/x'], withNamespace('cgroup'));
      assert.match(container.runToEnd().output, /Read-only file system/);
    },
  },
  {
    name: 'a writable cgroup mount lets the container make groups, and delete removes them',
    run() {
      const container = new Container(
        ['sh', '-c', 'mkdir -p /sys/fs/cgroup/a/b && exec sleep 1000'],
        (config) => {
          withNamespace('cgroup')(config);
          withWritableCgroup(config);
        },
      ).start();
      assert.equal(container.exec('test', '-d', '/sys/fs/cgroup/a/b').status, 0);
      container.ok('delete', '--force', container.id);
      assert.ok(!fs.existsSync(container.cgroup));
    },
  },
  {
    name: 'root makes a container in a user namespace with mapped ids',
    run() {
      fs.chownSync(`${rootfs}/tmp`, 100_000, 100_000);
      const script = 'id -u; head -n 1 /proc/self/uid_map; cat /proc/self/cgroup; touch /tmp/mine';
      const { status, output } = new Container(['sh', '-c', script], withUserNamespace).runToEnd();
      assert.equal(status, 0, output);
      assert.match(output, /^0\n\s+0\s+100000\s+65536\n0::\/\n$/);
      assert.equal(fs.statSync(`${rootfs}/tmp/mine`).uid, 100_000);
    },
  },
  {
    name: 'the cgroup belongs to the root of a user namespace when its mount is writable',
    run() {
      const container = new Container(['sleep', '1000'], (config) => {
        withUserNamespace(config);
        withWritableCgroup(config);
      }).start();
      const owner = (name: string) => fs.statSync(`${container.cgroup}/${name}`).uid;
      assert.equal(owner('.'), 100_000);
      for (const name of ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control']) {
        assert.equal(owner(name), 100_000, name);
      }
      assert.equal(owner('memory.max'), 0);
      assert.equal(container.exec('mkdir', '/sys/fs/cgroup/own').status, 0);
    },
  },
  {
    name: 'time offsets are seen inside',
    run() {
      const container = new Container(['cut', '-d', '.', '-f', '1', '/proc/uptime'], (config) => {
        withNamespace('time')(config);
        config.linux['timeOffsets'] = { boottime: { secs: 1_000_000, nanosecs: 0 } };
      });
      const { status, output } = container.runToEnd();
      assert.equal(status, 0, output);
      assert.ok(Number(output) >= 1_000_000, output);
    },
  },
  {
    name: 'a joined cgroup namespace shows its own root',
    run() {
      const first = new Container(['sleep', '1000'], withNamespace('cgroup')).start();
      const namespace = { type: 'cgroup', path: `/proc/${first.state().pid}/ns/cgroup` };
      const second = new Container(['cat', '/proc/self/cgroup'], ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup');
        linux.namespaces.push(namespace);
      });
      const expected = second.cgroup.slice(cgroupRoot.length).replace(/.*\//, '/../');
      assert.deepEqual(second.runToEnd(), { status: 0, output: `0::${expected}\n` });
    },
  },
];
