/** The device filter, which on cgroup v2 is a BPF program. */
import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import { Container, limits, type Config } from './container.ts';

const denyAll = { allow: false, access: 'rwm' };
/** /dev/kmsg: harmless to open, and no default device. */
const kmsg = { type: 'c', major: 1, minor: 11 };
const openKmsg = 'mknod /dev/kmsg c 1 11; : </dev/kmsg';

/** Capability to make nodes, so that only the filter can be in the way. */
function mayMakeNodes({ process }: Config): void {
  const set = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE', 'CAP_SYSLOG'];
  process['capabilities'] = { bounding: set, effective: set, permitted: set };
}

function withRules(...rules: object[]): (config: Config) => void {
  return (config) => {
    mayMakeNodes(config);
    limits({ devices: rules })(config);
  };
}

export const deviceChecks: readonly Check[] = [
  {
    name: 'a device that no rule allows cannot be opened',
    run() {
      const container = new Container(['sh', '-c', openKmsg], withRules(denyAll));
      const { status, output } = container.runToEnd();
      assert.notEqual(status, 0);
      assert.match(output, /Operation not permitted/);
    },
  },
  {
    name: 'a device that a rule allows can be opened',
    run() {
      const container = new Container(
        ['sh', '-c', openKmsg],
        withRules(denyAll, { allow: true, ...kmsg, access: 'rw' }),
      );
      assert.deepEqual(container.runToEnd(), { status: 0, output: '' });
    },
  },
  {
    name: 'the last rule that matches decides',
    run() {
      const container = new Container(
        ['sh', '-c', openKmsg],
        withRules(
          denyAll,
          { allow: true, ...kmsg, access: 'rw' },
          { allow: false, ...kmsg, access: 'r' },
        ),
      );
      assert.match(container.runToEnd().output, /Operation not permitted/);
    },
  },
  {
    name: 'the default devices work under a filter that denies everything',
    run() {
      const script =
        'head -c 4 /dev/zero >/dev/null && head -c 4 /dev/urandom >/dev/null && : >/dev/full';
      const container = new Container(['sh', '-c', script], withRules(denyAll));
      assert.deepEqual(container.runToEnd(), { status: 0, output: '' });
    },
  },
  {
    name: 'exec is under the same filter',
    run() {
      const container = new Container(['sleep', '1000'], withRules(denyAll)).start();
      assert.match(container.exec('sh', '-c', openKmsg).output, /Operation not permitted/);
    },
  },
  {
    name: 'update keeps the device filter',
    run() {
      const container = new Container(['sleep', '1000'], withRules(denyAll)).start();
      container.ok('update', '--pids-limit', '100', container.id);
      assert.match(container.exec('sh', '-c', openKmsg).output, /Operation not permitted/);
    },
  },
];
