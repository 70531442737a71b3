/** Containers that keep groups of their own: systemd, or an engine in a container. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import type { Check } from './check.ts';
import { Container, waitFor, type Config } from './container.ts';

/** What an init like systemd does: moves itself into a child and hands controllers to its children. */
const delegate =
  'mkdir /sys/fs/cgroup/init && echo $$ >/sys/fs/cgroup/init/cgroup.procs && ' +
  'echo +pids +memory >/sys/fs/cgroup/cgroup.subtree_control && exec sleep 1000';

function delegating(config: Config): void {
  if (!config.linux.namespaces.some(({ type }) => type === 'cgroup')) {
    config.linux.namespaces.push({ type: 'cgroup' });
  }
  for (const mount of config.mounts.filter(({ type }) => type === 'cgroup')) {
    mount.options = mount.options?.filter((option) => option !== 'ro') ?? [];
  }
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
