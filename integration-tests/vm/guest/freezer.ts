/** Pause and resume. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Check } from './check.ts';
import { Container, waitFor } from './container.ts';

const busy = ['sh', '-c', 'while :; do :; done'];
const usage = (container: Container) => container.keyed('cpu.stat', 'usage_usec');

export const freezerChecks: readonly Check[] = [
  {
    name: 'a paused container does not run, a resumed one does',
    async run() {
      const container = new Container(busy).start();
      container.ok('pause', container.id);
      assert.equal(container.state().status, 'paused');
      assert.equal(container.keyed('cgroup.events', 'frozen'), 1);
      const before = usage(container);
      await delay(500);
      assert.equal(usage(container), before);
      container.ok('resume', container.id);
      assert.equal(container.state().status, 'running');
      await waitFor('processor time', () => usage(container) > before);
    },
  },
  {
    name: 'exec is refused in a paused container',
    run() {
      const container = new Container(['sleep', '1000']).start();
      container.ok('pause', container.id);
      const { status, output } = container.exec('true');
      assert.equal(status, 255);
      assert.match(output, /cannot exec in a paused container/);
    },
  },
  {
    name: 'SIGKILL ends a paused container',
    async run() {
      const container = new Container(busy).start();
      container.ok('pause', container.id);
      container.ok('kill', container.id, 'KILL');
      await waitFor('the end of the container', () => container.state().status === 'stopped');
    },
  },
  {
    name: 'delete --force removes a paused container',
    run() {
      const container = new Container(busy).start();
      container.ok('pause', container.id);
      container.ok('delete', '--force', container.id);
    },
  },
  {
    name: 'a created container can be paused, resumed and started',
    run() {
      const container = new Container(['sleep', '1000']);
      assert.equal(container.create().status, 0);
      container.ok('pause', container.id);
      container.ok('resume', container.id);
      container.ok('start', container.id);
      assert.equal(container.state().status, 'running');
    },
  },
];
