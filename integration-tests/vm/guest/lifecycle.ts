/** A container's life on cgroup v2. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import type { Check } from './check.ts';
import { cgroupRoot, Container, rootfs, waitFor } from './container.ts';

export const lifecycleChecks: readonly Check[] = [
  {
    name: 'the machine has cgroup v2 and nothing else',
    run() {
      const mounts = fs.readFileSync('/proc/self/mounts', 'utf8');
      const types = mounts.split('\n').map((line) => line.split(' ')[2]);
      assert.deepEqual(
        types.filter((type) => type?.startsWith('cgroup')),
        ['cgroup2'],
      );
      const controllers = fs.readFileSync(`${cgroupRoot}/cgroup.controllers`, 'utf8').split(/\s/);
      for (const name of ['cpu', 'cpuset', 'io', 'memory', 'pids']) {
        assert.ok(controllers.includes(name), `no controller ${name}`);
      }
    },
  },
  {
    name: 'run ends with the status of the process and leaves no cgroup',
    run() {
      const container = new Container(['sh', '-c', 'echo inside; exit 7']);
      assert.deepEqual(container.runToEnd(), { status: 7, output: 'inside\n' });
      assert.ok(!fs.existsSync(container.cgroup));
    },
  },
  {
    name: 'create, start, kill and delete pass through their states',
    async run() {
      const container = new Container(['sleep', '1000']);
      assert.equal(container.create().status, 0);
      assert.equal(container.state().status, 'created');
      container.ok('start', container.id);
      const { status, pid } = container.state();
      assert.equal(status, 'running');
      assert.equal(container.file('cgroup.procs'), String(pid));
      container.ok('kill', container.id, 'KILL');
      await waitFor('the end of the container', () => container.state().status === 'stopped');
      container.ok('delete', container.id);
      assert.ok(!fs.existsSync(container.cgroup));
    },
  },
  {
    name: 'every controller is enabled above the container',
    run() {
      const container = new Container(['sleep', '1000']).start();
      const enabled = container.file('cgroup.controllers').split(' ');
      for (const name of ['cpu', 'cpuset', 'io', 'memory', 'pids']) {
        assert.ok(enabled.includes(name), `${name} is not enabled`);
      }
    },
  },
  {
    name: 'exec joins the cgroup and returns the status',
    run() {
      const container = new Container(['sleep', '1000']).start();
      assert.deepEqual(
        container.exec('sh', '-c', 'grep -c . /sys/fs/cgroup/cgroup.procs; exit 5'),
        {
          status: 5,
          output: '3\n', // sleep, sh, grep
        },
      );
    },
  },
  {
    name: 'ps lists every process of the container',
    run() {
      const container = new Container(['sh', '-c', 'sleep 1000 & sleep 1000']).start();
      container.ok('exec', '--detach', container.id, 'sleep', '1000');
      const pids = JSON.parse(container.ok('ps', '--format', 'json', container.id)) as number[];
      assert.deepEqual(
        pids.toSorted((a, b) => a - b),
        container
          .file('cgroup.procs')
          .split('\n')
          .map(Number)
          .toSorted((a, b) => a - b),
      );
      assert.equal(pids.length, 3);
    },
  },
  {
    name: 'a create that fails leaves no cgroup and no state',
    run() {
      const container = new Container(['/no/such/program']);
      const { status, output } = container.create();
      assert.equal(status, 1);
      assert.match(output, /no such file or directory/);
      assert.ok(!fs.existsSync(container.cgroup));
      assert.match(container.runtime('state', container.id).output, /does not exist/);
    },
  },
  {
    name: 'delete --force ends a container that shares the pid namespace, with all its processes',
    run() {
      const container = new Container(['sh', '-c', 'sleep 1000 & sleep 1000'], ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'pid');
      }).start();
      container.ok('delete', '--force', container.id);
      assert.ok(!fs.existsSync(container.cgroup));
      const commands = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      const roots = commands.map((pid) => {
        try {
          return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        } catch {
          return ''; // it ended
        }
      });
      assert.ok(!roots.some((command) => command.startsWith('sleep\0')), `${rootfs} is in use`);
    },
  },
  {
    name: 'kill --all reaches every process',
    async run() {
      const container = new Container(['sleep', '1000']).start();
      container.ok('exec', '--detach', container.id, 'sleep', '1000');
      container.ok('kill', '--all', container.id, 'KILL');
      await waitFor('an empty cgroup', () => container.keyed('cgroup.events', 'populated') === 0);
    },
  },
];
