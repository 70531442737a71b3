/** `process.selinuxLabel` and `linux.mountLabel`, on a kernel whose security module is SELinux. */
import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import { Container } from './container.ts';

const label = 'user_u:base_r:box_t';
const fileLabel = 'user_u:base_r:boxfile_t';

const ownLabel = ['cat', '/proc/self/attr/current'];

export const selinuxChecks: readonly Check[] = (
  [
    {
      name: 'SELinux: a container runs under its label, and exec under that or its own',
      run() {
        const container = new Container(['sleep', '100'], (config) => {
          config.process['selinuxLabel'] = label;
          // With it a process keeps its label: the policy would have to allow the transition as a narrowing one.
          config.process['noNewPrivileges'] = false;
        });
        container.start();
        assert.ok(container.exec(...ownLabel).output.startsWith(label));
        const own = container.runtime(
          ...['exec', '--process-label', 'user_u:base_r:base_t', container.id, ...ownLabel],
        );
        assert.ok(own.output.startsWith('user_u:base_r:base_t'), own.output);
      },
    },
    {
      name: 'SELinux: a label that the policy does not know is an error that names it',
      run() {
        const { status, output } = new Container(['true'], (config) => {
          config.process['selinuxLabel'] = 'user_u:base_r:missing_t';
        }).runToEnd();
        assert.equal(status, 1);
        assert.match(output, /process\.selinuxLabel/);
      },
    },
    {
      name: 'SELinux: the label of mounts is that of the files in them',
      run() {
        const { output } = new Container(['cat', '/proc/self/mountinfo'], (config) => {
          config.linux['mountLabel'] = fileLabel;
        }).runToEnd();
        const line = output.split('\n').find((text) => text.includes(' /dev/shm ')) ?? output;
        assert.ok(line.includes(`context=${fileLabel}`), line);
      },
    },
  ] satisfies Check[]
).map((check) => ({ ...check, stage: 'selinux' }) as const);
