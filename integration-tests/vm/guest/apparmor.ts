/** `process.apparmorProfile`: Debian's kernel has AppArmor, and here it runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import type { Check } from './check.ts';
import { Container, rootfs } from './container.ts';

const secret = '/tmp/secret';

/** Everything is allowed but one file. */
function profile(name: string): string {
  return `profile ${name} flags=(attach_disconnected,mediate_deleted) {
  file, capability, network, mount, umount, pivot_root, signal, ptrace, unix,
  deny ${secret} rw,
}
`;
}

let loaded = false;

/** Loads both profiles with AppArmor's own parser, once. */
function loadProfiles(): void {
  fs.writeFileSync(`${rootfs}${secret}`, 'a word\n');
  if (loaded) return;
  fs.writeFileSync('/run/profiles', profile('checks-first') + profile('checks-second'));
  const parser = spawnSync('/sbin/apparmor_parser', ['-r', '-K', '/run/profiles'], {
    encoding: 'utf8',
  });
  assert.equal(parser.status, 0, parser.stderr);
  loaded = true;
}

/** Prints the profile of the process, and the file if it may. */
const script = `cat /proc/self/attr/current; cat ${secret}`;

function confined(name: string | undefined, more: Record<string, unknown> = {}): Container {
  loadProfiles();
  return new Container(['sh', '-c', script], (config) => {
    config.process = { ...config.process, ...more };
    if (name !== undefined) config.process['apparmorProfile'] = name;
  });
}

export const appArmorChecks: readonly Check[] = [
  {
    name: 'AppArmor: a process without a profile is not confined',
    run() {
      const { output } = confined(undefined).runToEnd();
      assert.match(output, /^unconfined\n/);
      assert.match(output, /a word/);
    },
  },
  {
    name: 'AppArmor: a container runs under its profile, which takes a file away',
    run() {
      for (const noNewPrivileges of [true, false]) {
        const { output } = confined('checks-first', { noNewPrivileges }).runToEnd();
        assert.match(output, /^checks-first \(enforce\)\n/);
        assert.match(output, /Permission denied/);
        assert.doesNotMatch(output, /a word/);
      }
    },
  },
  {
    name: 'AppArmor: exec has the profile of the container, or its own',
    run() {
      const container = confined('checks-first');
      const bundle = `${container.bundle}/config.json`;
      const config = JSON.parse(fs.readFileSync(bundle, 'utf8')) as { process: { args: string[] } };
      config.process.args = ['sleep', '100'];
      fs.writeFileSync(bundle, JSON.stringify(config));
      container.start();
      assert.match(container.exec('sh', '-c', script).output, /^checks-first \(enforce\)\n/);
      const own = container.runtime(
        ...['exec', '--apparmor', 'checks-second', container.id, 'sh', '-c', script],
      );
      assert.match(own.output, /^checks-second \(enforce\)\n/);
    },
  },
  {
    name: 'AppArmor: a profile that is not loaded is an error that names it',
    run() {
      const { status, output } = confined('checks-missing').runToEnd();
      assert.equal(status, 1);
      assert.match(output, /process\.apparmorProfile/);
      assert.match(output, /checks-missing/);
    },
  },
];
