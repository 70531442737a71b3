/** Further processes in containers, also where ids are mapped. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import type { Check } from './check.ts';
import { cgroupRoot, Container, type Config } from './container.ts';

const ranges = [
  { containerID: 0, hostID: 100_000, size: 10 },
  { containerID: 10, hostID: 200_000, size: 10 },
  { containerID: 1000, hostID: 300_000, size: 1 },
];

function withRanges({ linux }: Config): void {
  linux.namespaces.push({ type: 'user' });
  linux['uidMappings'] = ranges;
  linux['gidMappings'] = ranges;
}

const groupOf = ({ cgroup }: Container) => cgroup.slice(cgroupRoot.length);

/** The lines that an exec prints; it must succeed. */
function printed(container: Container, ...args: string[]): string[] {
  const { status, output } = container.runtime('exec', ...args);
  assert.equal(status, 0, output);
  return output.trimEnd().split('\n');
}

export const execChecks: readonly Check[] = [
  {
    name: 'exec is any id of a user namespace with several ranges, in the group of the container',
    run() {
      const container = new Container(['sleep', '1000'], withRanges).start();
      const { id } = container;
      const script = 'id -u; id -g; cat /proc/self/uid_map | tr -s " "';
      assert.deepEqual(printed(container, '--user', '1000:12', id, 'sh', '-c', script), [
        ...['1000', '12'],
        ...[' 0 100000 10', ' 10 200000 10', ' 1000 300000 1'],
      ]);
      const pidFile = path.join(container.bundle, 'pid');
      printed(container, '--detach', '--user', '15', '--pid-file', pidFile, id, 'sleep', '1000');
      const pid = fs.readFileSync(pidFile, 'utf8');
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(status, /^Uid:\t200005\t200005\t200005\t200005$/m);
      assert.ok(container.file('cgroup.procs').split('\n').includes(pid));
    },
  },
  {
    name: 'a container joins the user namespace of another by path, and so does its exec',
    run() {
      const first = new Container(['sleep', '1000'], withRanges).start();
      const userNamespace = `/proc/${first.state().pid}/ns/user`;
      const second = new Container(['sleep', '1000'], ({ linux }) => {
        linux.namespaces.push({ type: 'user', path: userNamespace });
      }).start();
      const expected = fs.readlinkSync(userNamespace);
      assert.equal(fs.readlinkSync(`/proc/${second.state().pid}/ns/user`), expected);
      const script = 'readlink /proc/self/ns/user; id -u';
      assert.deepEqual(printed(second, '--user', '7', second.id, 'sh', '-c', script), [
        expected,
        '7',
      ]);
      assert.deepEqual(second.file('cgroup.procs'), String(second.state().pid));
    },
  },
  {
    name: 'exec has the directory, variables, groups and capabilities that it is given',
    run() {
      const container = new Container(['sleep', '1000'], ({ process }) => {
        process['capabilities'] = {};
      }).start();
      const script = 'pwd; echo $A; id -G; grep CapEff /proc/self/status | tr -d "\\t"';
      const flags = [
        '--cwd',
        '/tmp',
        '--env',
        'A=b c',
        '--additional-gids',
        '4',
        '--cap',
        'CAP_KILL',
      ];
      assert.deepEqual(printed(container, ...flags, container.id, 'sh', '-c', script), [
        ...['/tmp', 'b c', '0 4'],
        'CapEff:0000000000000020',
      ]);
    },
  },
  {
    name: 'exec --process takes all from a file',
    run() {
      const container = new Container(['sleep', '1000']).start();
      const file = path.join(container.bundle, 'process.json');
      const process = {
        args: ['sh', '-c', 'id -u; pwd; ulimit -n; exit 4'],
        cwd: '/etc',
        user: { uid: 33, gid: 33 },
        env: ['PATH=/bin'],
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 78 }],
      };
      fs.writeFileSync(file, JSON.stringify(process));
      const { status, output } = container.runtime('exec', '--process', file, container.id);
      assert.deepEqual({ status, output }, { status: 4, output: '33\n/etc\n77\n' });
    },
  },
  {
    name: 'exec --cgroup puts the process into a group below, and names one that is not there',
    run() {
      const container = new Container(['sleep', '1000'], ({ linux }) => {
        linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'cgroup');
      }).start();
      const { id, cgroup } = container;
      fs.mkdirSync(path.join(cgroup, 'below'));
      assert.deepEqual(printed(container, '--cgroup', 'below', id, 'cat', '/proc/self/cgroup'), [
        `0::${groupOf(container)}/below`,
      ]);
      const missing = container.runtime('exec', '--cgroup', 'nope', id, 'true');
      assert.notEqual(missing.status, 0);
      assert.match(missing.output, /nope/);
    },
  },
  {
    name: 'exec runs on the CPUs of execCPUAffinity within those of the group',
    run() {
      const container = new Container(['sleep', '1000'], (config) => {
        config.process['execCPUAffinity'] = { initial: '0', final: '1' };
        config.linux.resources = { cpu: { cpus: '0-1' } };
      }).start();
      const [line = ''] = printed(
        container,
        container.id,
        'grep',
        'Cpus_allowed_list',
        '/proc/self/status',
      );
      assert.match(line, /:\s1$/);
    },
  },
  {
    name: 'an exec that cannot be executed has status 255 and says why',
    run() {
      const container = new Container(['sleep', '1000'], withRanges).start();
      const { status, output } = container.exec('/nope');
      assert.equal(status, 255);
      assert.match(output, /exec: \\?"\/nope\\?": stat \/nope: no such file or directory/);
      assert.equal(container.file('cgroup.procs'), String(container.state().pid));
    },
  },
  {
    name: 'explain --running finds a container as it was asked for',
    run() {
      const container = new Container(['sleep', '1000'], (config) => {
        withRanges(config);
        config.linux.resources = { memory: { limit: 33_554_432 }, pids: { limit: 12 } };
      }).start();
      const { observations } = JSON.parse(
        container.ok('explain', '--json', '--running', container.id),
      ) as { observations: { property: string; now: string; asConfigured?: boolean }[] };
      assert.deepEqual(
        observations.filter(({ asConfigured }) => asConfigured === false),
        [],
      );
      const now = new Map(observations.map((seen) => [seen.property, seen.now]));
      assert.equal(now.get('linux.resources.pids'), '1 processes, limit 12');
      assert.match(
        now.get('linux.uidMappings') ?? '',
        /^uids 0 100000 10; 10 200000 10; 1000 300000 1/,
      );
    },
  },
];
