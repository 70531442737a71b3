/** Containers that keep groups of their own: systemd, or an engine in a container. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import type { Check } from './check.ts';
import { bundles, Container, limits, rootfs, waitFor, type Config } from './container.ts';

/** What an init like systemd does: moves itself into a child and hands controllers to its children. */
const delegate =
  'mkdir /sys/fs/cgroup/init && echo $$ >/sys/fs/cgroup/init/cgroup.procs && ' +
  'echo +pids +memory >/sys/fs/cgroup/cgroup.subtree_control && exec sleep 1000';

/** Those that making a container takes. */
const capabilityNames = [
  ...['SYS_ADMIN', 'SYS_CHROOT', 'SYS_RESOURCE', 'SYS_PTRACE', 'NET_ADMIN', 'SETPCAP', 'SETUID'],
  ...['SETGID', 'MKNOD', 'CHOWN', 'FOWNER', 'FSETID', 'KILL', 'DAC_OVERRIDE', 'SETFCAP', 'BPF'],
  ...['AUDIT_WRITE', 'NET_BIND_SERVICE'],
];

function delegating(config: Config): void {
  if (!config.linux.namespaces.some(({ type }) => type === 'cgroup')) {
    config.linux.namespaces.push({ type: 'cgroup' });
  }
  for (const mount of config.mounts.filter(({ type }) => type === 'cgroup')) {
    mount.options = mount.options?.filter((option) => option !== 'ro') ?? [];
  }
}

/** What `docker run --privileged` changes, and the parts of the machine that the runtime needs. */
function privileged(config: Config): void {
  delegating(config);
  const all = capabilityNames.map((name) => `CAP_${name}`);
  config.process['capabilities'] = { bounding: all, effective: all, permitted: all };
  config.linux['maskedPaths'] = [];
  config.linux['readonlyPaths'] = [];
  config.mounts.push({
    destination: '/run',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['mode=755'],
  });
  for (const path of ['/engine', '/lib', '/lib64', rootfs, bundles]) {
    config.mounts.push({ destination: path, type: 'bind', source: path, options: ['rbind'] });
  }
}

function innerContainer(change: (config: Config) => void = () => undefined): Container {
  return new Container(['cat', '/proc/self/cgroup'], (config) => {
    config.linux.cgroupsPath = '/inner';
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'cgroup');
    change(config);
  });
}

function runInner({ bundle }: Container): string {
  return `/engine/bin/runtime run --bundle ${bundle} inner; echo ended $?`;
}

async function startDelegating(): Promise<Container> {
  const container = new Container(['sh', '-c', delegate], delegating).start();
  await waitFor('delegation', () => container.file('cgroup.subtree_control') !== '');
  return container;
}

export const nestedGroupChecks: readonly Check[] = [
  {
    // A group that gives controllers to its children takes no processes itself: exec follows the first process.
    name: 'exec enters a container that has given its controllers to its children',
    async run() {
      const container = await startDelegating();
      assert.deepEqual(container.exec('cat', '/proc/self/cgroup'), {
        status: 0,
        output: '0::/init\n',
      });
    },
  },
  {
    name: 'ps and pause include the groups of the container',
    async run() {
      const container = await startDelegating();
      const pids = JSON.parse(container.ok('ps', '--format', 'json', container.id)) as number[];
      assert.deepEqual(pids, [container.state().pid]);
      container.ok('pause', container.id);
      assert.match(container.file('init/cgroup.events'), /frozen 1/);
      container.ok('resume', container.id);
    },
  },
  {
    name: 'delete --force removes the groups of the container',
    async run() {
      const container = await startDelegating();
      container.ok('delete', '--force', container.id);
      assert.ok(!fs.existsSync(container.cgroup));
    },
  },
  {
    name: 'a container runs inside a container, in a group of its own',
    run() {
      const inner = innerContainer();
      const outer = new Container(['sh', '-c', runInner(inner)], privileged);
      assert.deepEqual(outer.runToEnd(), { status: 0, output: '0::/inner\nended 0\n' });
    },
  },
  {
    // The kernel gives controllers to the children of a group, or processes to the group itself, not both.
    name: 'limits inside a container need a group without processes, and have it after a move',
    run() {
      const inner = innerContainer(limits({ pids: { limit: 20 } }));
      const refused = new Container(['sh', '-c', runInner(inner)], privileged).runToEnd();
      assert.match(refused.output, /cannot limit pids below .* there are processes in it/);
      const move =
        'mkdir /sys/fs/cgroup/init && echo $$ >/sys/fs/cgroup/init/cgroup.procs && exec sh -c "$0"';
      const outer = new Container(['sh', '-c', move, runInner(inner)], privileged);
      assert.deepEqual(outer.runToEnd(), { status: 0, output: '0::/inner\nended 0\n' });
    },
  },
  {
    name: 'a cgroup path several levels deep has limits at its end',
    run() {
      const container = new Container(['sleep', '1000'], ({ linux }) => {
        linux.cgroupsPath = '/checks/deep/er/still';
        linux.resources = { ...linux.resources, pids: { limit: 21 } };
      }).start();
      assert.equal(container.file('pids.max'), '21');
    },
  },
];
