/** Limits of config.json: written to the right files, and felt inside. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import type { Check } from './check.ts';
import { Container, limits, waitFor } from './container.ts';

const MiB = 1024 * 1024;

export const limitChecks: readonly Check[] = [
  {
    name: 'memory limits are in memory.max, memory.low and memory.swap.max',
    run() {
      const memory = { limit: 64 * MiB, reservation: 32 * MiB, swap: 96 * MiB };
      const container = new Container(['sleep', '1000'], limits({ memory })).start();
      assert.equal(container.file('memory.max'), String(64 * MiB));
      assert.equal(container.file('memory.low'), String(32 * MiB));
      assert.equal(container.file('memory.swap.max'), String(32 * MiB)); // swap alone
    },
  },
  {
    name: 'cpu shares, quota and period are in cpu.weight and cpu.max',
    run() {
      const cpu = { shares: 2048, quota: 50_000, period: 200_000 };
      const container = new Container(['sleep', '1000'], limits({ cpu })).start();
      assert.equal(container.file('cpu.max'), '50000 200000');
      // 1024 shares are the default weight of 100, and twice as many weigh more.
      assert.ok(Number(container.file('cpu.weight')) > 100, container.file('cpu.weight'));
    },
  },
  {
    name: 'a cpu quota throttles',
    async run() {
      const cpu = { quota: 10_000, period: 100_000 };
      const container = new Container(['sh', '-c', 'while :; do :; done'], limits({ cpu })).start();
      await waitFor('throttling', () => container.keyed('cpu.stat', 'nr_throttled') > 2);
    },
  },
  {
    name: 'a cpuset binds the processes to its processors',
    run() {
      const container = new Container(
        ['grep', 'Cpus_allowed_list', '/proc/self/status'],
        limits({ cpu: { cpus: '1', mems: '0' } }),
      );
      assert.match(container.runToEnd().output, /^Cpus_allowed_list:\s+1\n$/);
    },
  },
  {
    name: 'a pids limit stops forks',
    run() {
      const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; echo all started';
      const container = new Container(['sh', '-c', script], limits({ pids: { limit: 5 } }));
      const { status, output } = container.runToEnd();
      assert.notEqual(status, 0);
      assert.match(output, /can't fork/);
    },
  },
  {
    name: 'unified writes files as they are named',
    run() {
      const unified = { 'memory.high': '50331648', 'cgroup.max.depth': '3', 'pids.max': '77' };
      const container = new Container(['sleep', '1000'], limits({ unified })).start();
      assert.equal(container.file('memory.high'), '50331648');
      assert.equal(container.file('cgroup.max.depth'), '3');
      assert.equal(container.file('pids.max'), '77');
    },
  },
  {
    name: 'a limit of huge pages and a weight of block I/O are written',
    run() {
      const hugepageLimits = [{ pageSize: '2MB', limit: 4 * MiB }];
      const container = new Container(
        ['sleep', '1000'],
        limits({ hugepageLimits, blockIO: { weight: 1000 } }),
      ).start();
      assert.equal(container.file('hugetlb.2MB.max'), String(4 * MiB));
      assert.equal(container.file('io.weight'), 'default 10000'); // the highest on either scale
    },
  },
  {
    name: 'a limit that the kernel refuses is named, and nothing is left',
    run() {
      const container = new Container(['true'], limits({ cpu: { cpus: '0-99' } }));
      const { status, output } = container.create();
      assert.equal(status, 1);
      assert.match(output, /cpuset\.cpus/);
      assert.ok(!fs.existsSync(container.cgroup));
    },
  },
  {
    name: 'a limit of cgroup v1 alone is refused',
    run() {
      const container = new Container(['true'], limits({ network: { classID: 1_048_577 } }));
      const { status, output } = container.create();
      assert.equal(status, 1);
      assert.match(output, /network\.classID.*cgroup v1/);
    },
  },
  {
    name: 'events --stats counts processor time, memory and processes',
    run() {
      const resources = { memory: { limit: 64 * MiB }, pids: { limit: 50 } };
      const script = 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 1000';
      const container = new Container(['sh', '-c', script], limits(resources)).start();
      const { data } = JSON.parse(container.ok('events', '--stats', container.id)) as {
        data: {
          cpu: { usage: { total: number } };
          memory: { usage: { usage: number; limit: number } };
          pids: { current: number; limit: number };
        };
      };
      assert.ok(data.cpu.usage.total > 0);
      assert.ok(data.memory.usage.usage > 0);
      assert.equal(data.memory.usage.limit, 64 * MiB);
      assert.ok(data.pids.current >= 1);
      assert.equal(data.pids.limit, 50);
    },
  },
];
