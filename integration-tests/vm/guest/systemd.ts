/** `--systemd-cgroup` with a real systemd as the first process. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Check } from './check.ts';
import { cgroupRoot, Container, waitFor, type Config } from './container.ts';

const slice = 'checks-sub.slice';
const slicePath = '/checks.slice/checks-sub.slice';

function unitOf(container: Container): string {
  return `test-${container.id}.scope`;
}

function groupOf(container: Container): string {
  return path.join(cgroupRoot, slicePath, unitOf(container));
}

function systemctl(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('/usr/bin/systemctl', args, { encoding: 'utf8' });
  assert.equal(status, 0, `systemctl ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Properties of the unit, as systemd has them. */
function properties(unit: string, ...names: string[]): Record<string, string> {
  const lines = systemctl('show', unit, `--property=${names.join(',')}`).split('\n');
  return Object.fromEntries(
    lines.map((line): [string, string] => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}

/** A bundle whose cgroup is a unit. */
function prepare(args: string[], change: (config: Config) => void = () => undefined): Container {
  const container = new Container(args, change);
  const file = path.join(container.bundle, 'config.json');
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as Config;
  config.linux.cgroupsPath = `${slice}:test:${container.id}`;
  fs.writeFileSync(file, JSON.stringify(config));
  return container;
}

function create(args: string[], change?: (config: Config) => void): Container {
  const container = prepare(args, change);
  container.ok('--systemd-cgroup', 'create', '--bundle', container.bundle, container.id);
  container.mayExist = true;
  return container;
}

const limited = (config: Config) => {
  config.linux.resources = {
    devices: [{ allow: false, access: 'rwm' }],
    memory: { limit: 64 << 20 },
    pids: { limit: 20 },
    cpu: { quota: 50_000, period: 100_000, shares: 2048 },
  };
};

export const systemdChecks: readonly Check[] = (
  [
    {
      name: 'systemd: a container is the only one in a scope with its limits',
      run() {
        const container = create(['sleep', '100'], limited);
        container.ok('start', container.id);
        const unit = unitOf(container);
        const { pid } = container.state();
        const processes = fs.readFileSync(path.join(groupOf(container), 'cgroup.procs'), 'utf8');
        assert.equal(processes, `${pid}\n`);
        assert.deepEqual(
          properties(
            unit,
            'ActiveState',
            'Slice',
            'Delegate',
            'MemoryMax',
            'TasksMax',
            'CPUQuotaPerSecUSec',
          ),
          {
            ActiveState: 'active',
            Slice: slice,
            Delegate: 'yes',
            MemoryMax: String(64 << 20),
            TasksMax: '20',
            CPUQuotaPerSecUSec: '500ms',
          },
        );
        const file = (name: string) =>
          fs.readFileSync(path.join(groupOf(container), name), 'utf8').trim();
        assert.equal(file('memory.max'), String(64 << 20));
        assert.equal(file('pids.max'), '20');
        assert.equal(file('cpu.max'), '50000 100000');
      },
    },
    {
      name: 'systemd: limits and devices stay in force when systemd reads its units again',
      run() {
        const container = create(['sleep', '100'], (config) => {
          limited(config);
          // A node that is there and that the rules do not allow.
          config.linux['devices'] = [{ path: '/dev/port', type: 'c', major: 4, minor: 64 }];
        });
        container.ok('start', container.id);
        systemctl('daemon-reload');
        assert.equal(
          fs.readFileSync(path.join(groupOf(container), 'pids.max'), 'utf8').trim(),
          '20',
        );
        container.ok('exec', container.id, 'sh', '-c', 'echo x >/dev/null');
        const { status, output } = container.exec('sh', '-c', 'echo x >/dev/port');
        assert.notEqual(status, 0);
        assert.match(output, /not permitted/);
      },
    },
    {
      name: 'systemd: an update reaches the unit and the cgroup',
      run() {
        const container = create(['sleep', '100'], limited);
        container.ok('start', container.id);
        container.ok('update', '--pids-limit', '33', '--memory', String(96 << 20), container.id);
        assert.deepEqual(properties(unitOf(container), 'MemoryMax', 'TasksMax'), {
          MemoryMax: String(96 << 20),
          TasksMax: '33',
        });
        const limit = path.join(groupOf(container), 'memory.max');
        assert.equal(fs.readFileSync(limit, 'utf8').trim(), String(96 << 20));
      },
    },
    {
      name: 'systemd: the scope ends with the container',
      async run() {
        const container = create(['true']);
        container.ok('start', container.id);
        await waitFor('it has ended', () => container.state().status === 'stopped');
        container.ok('delete', container.id);
        assert.equal(fs.existsSync(groupOf(container)), false);
        assert.deepEqual(properties(unitOf(container), 'LoadState'), { LoadState: 'not-found' });
      },
    },
    {
      name: 'systemd: stopping the scope ends the container',
      async run() {
        const container = create([
          'sh',
          '-c',
          'trap "exit 0" TERM; while true; do sleep 0.1; done',
        ]);
        container.ok('start', container.id);
        systemctl('stop', unitOf(container));
        await waitFor('it has ended', () => container.state().status === 'stopped');
      },
    },
    {
      name: 'systemd: a container that cannot start leaves no unit behind',
      run() {
        const container = prepare(['/no/such/command']);
        const { status } = container.runtime(
          ...['--systemd-cgroup', 'create', '--bundle', container.bundle, container.id],
        );
        assert.equal(status, 1);
        assert.deepEqual(properties(unitOf(container), 'LoadState'), { LoadState: 'not-found' });
      },
    },
  ] satisfies Check[]
).map((check) => ({ ...check, stage: 'systemd' }) as const);
