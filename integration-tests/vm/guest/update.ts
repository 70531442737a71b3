/** `update`: limits of a running container. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import type { Check } from './check.ts';
import { Container, limits } from './container.ts';

const MiB = 1024 * 1024;

export const updateChecks: readonly Check[] = [
  {
    name: 'update changes what its flags name and nothing else',
    run() {
      const cpu = { quota: 50_000, period: 100_000 };
      const container = new Container(['sleep', '1000'], limits({ cpu })).start();
      container.ok(
        'update',
        ...['--memory', String(40 * MiB), '--memory-reservation', String(20 * MiB)],
        ...['--pids-limit', '33', '--cpu-quota', '70000', '--cpuset-cpus', '0'],
        container.id,
      );
      assert.equal(container.file('memory.max'), String(40 * MiB));
      assert.equal(container.file('memory.low'), String(20 * MiB));
      assert.equal(container.file('pids.max'), '33');
      assert.equal(container.file('cpu.max'), '70000 100000');
      assert.equal(container.file('cpuset.cpus'), '0');
      assert.equal(container.file('cpu.weight'), '100');
    },
  },
  {
    name: 'update reads resources from a file, as docker writes them',
    run() {
      const container = new Container(['sleep', '1000']).start();
      const file = '/run/resources.json';
      const memory = { limit: 48 * MiB, swap: 48 * MiB };
      const cpu = {
        shares: 512,
        quota: 0,
        period: 0,
        realtimeRuntime: 0,
        realtimePeriod: 0,
        cpus: '',
        mems: '',
      };
      fs.writeFileSync(file, JSON.stringify({ memory, cpu, blockIO: { weight: 0 } }));
      container.ok('update', '--resources', file, container.id);
      assert.equal(container.file('memory.max'), String(48 * MiB));
      assert.equal(container.file('memory.swap.max'), '0');
      assert.ok(Number(container.file('cpu.weight')) < 100);
      assert.equal(container.file('cpu.max'), 'max 100000');
    },
  },
  {
    name: 'update lifts limits with -1',
    run() {
      const memory = { limit: 40 * MiB, swap: 60 * MiB };
      const container = new Container(['sleep', '1000'], limits({ memory, pids: { limit: 9 } }));
      container.start();
      container.ok(
        'update',
        '--memory',
        '-1',
        '--memory-swap',
        '-1',
        '--pids-limit',
        '-1',
        container.id,
      );
      assert.equal(container.file('memory.max'), 'max');
      assert.equal(container.file('memory.swap.max'), 'max');
      assert.equal(container.file('pids.max'), 'max');
    },
  },
  {
    name: 'an update that the kernel refuses is an error and is not remembered',
    run() {
      const container = new Container(['sleep', '1000']).start();
      const { status, output } = container.runtime('update', '--cpuset-cpus', '99', container.id);
      assert.equal(status, 1);
      assert.match(output, /cpuset\.cpus/);
      container.ok('update', '--pids-limit', '10', container.id);
    },
  },
];
