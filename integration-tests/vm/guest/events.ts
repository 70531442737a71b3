/** `events`: statistics, pressure and out-of-memory kills of cgroup v2. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { Check } from './check.ts';
import { Container, limits, runtimePath, waitFor } from './container.ts';

const limit = 16 * 1024 * 1024;
const devour = 'x=0123456789abcdef; while :; do x=$x$x; done';

interface Event {
  type: string;
  id: string;
  data?: {
    memory: { usage: { limit: number }; raw: Record<string, number>; psi?: object };
    cpu: { psi?: object };
  };
}

export const eventChecks: readonly Check[] = [
  {
    name: 'events tells that the kernel killed for want of memory, and ends with the container',
    async run() {
      const container = new Container(
        ['sleep', '1000'],
        limits({ memory: { limit, swap: limit } }),
      ).start();
      const child = spawn(runtimePath, ['events', '--interval', '200ms', container.id], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      const events = () =>
        output
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Event);
      const ended = once(child, 'exit');
      await waitFor('the first line', () => events().length > 0);
      assert.equal(container.exec('sh', '-c', devour).status, 128 + 9);
      await waitFor('the event', () => events().some(({ type }) => type === 'oom'));
      container.ok('kill', container.id, 'KILL');
      assert.deepEqual(await ended, [0, null]);
      const ooms = events().filter(({ type }) => type === 'oom');
      assert.deepEqual(ooms, [{ type: 'oom', id: container.id }]);
    },
  },
  {
    name: 'events --stats has no limit as the largest number, and the pressure that the kernel keeps',
    run() {
      const container = new Container(['sleep', '1000']).start();
      const line = container.ok('events', '--stats', container.id);
      assert.match(line, /"usage":\{"limit":18446744073709551615,/);
      const { data } = JSON.parse(line) as Event;
      const kept = fs.existsSync(path.join(container.cgroup, 'memory.pressure'));
      assert.equal(data?.memory.psi !== undefined, kept);
      assert.ok((data?.memory.raw['anon'] ?? 0) > 0);
    },
  },
];
