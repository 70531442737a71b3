/** Running out of memory. */
import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import { Container, limits, waitFor } from './container.ts';

const memory = { limit: 16 * 1024 * 1024, swap: 16 * 1024 * 1024 };
/** A shell variable that doubles until nothing is left. */
const devour = 'x=0123456789abcdef; while :; do x=$x$x; done';

export const memoryChecks: readonly Check[] = [
  {
    name: 'the OOM killer ends a container that needs more than its limit',
    run() {
      const container = new Container(['sh', '-c', devour], limits({ memory }));
      assert.equal(container.runToEnd().status, 128 + 9);
    },
  },
  {
    name: 'the OOM kill of an exec is counted, and the container lives on',
    async run() {
      const container = new Container(['sleep', '1000'], limits({ memory })).start();
      assert.equal(container.exec('sh', '-c', devour).status, 128 + 9);
      await waitFor('the count', () => container.keyed('memory.events', 'oom_kill') === 1);
      assert.equal(container.state().status, 'running');
    },
  },
  {
    name: 'memory written to a tmpfs of the container counts',
    run() {
      const script = 'dd if=/dev/zero of=/dev/shm/fill bs=1M count=40';
      const container = new Container(['sh', '-c', script], limits({ memory }));
      assert.notEqual(container.runToEnd().status, 0);
    },
  },
];
