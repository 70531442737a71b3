/** Containers of an ordinary user. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import type { Check } from './check.ts';
import { cgroupRoot, Container, limits, type Caller, type Config } from './container.ts';

const uid = 1000;
const runtimeDirectory = `/run/user/${uid}`;
/** What a service manager gives a user: a group of his own, his processes in a leaf of it. */
const delegated = path.join(cgroupRoot, `user-${uid}`);
const session = path.join(delegated, 'session');

/** The runtime as user 1000, from the group `session`. */
function ordinaryUser(): Caller {
  fs.mkdirSync(runtimeDirectory, { recursive: true });
  fs.chownSync(runtimeDirectory, uid, uid);
  if (!fs.existsSync(delegated)) {
    fs.writeFileSync(path.join(cgroupRoot, 'cgroup.subtree_control'), '+cpu +memory +pids');
    fs.mkdirSync(session, { recursive: true });
    for (const directory of [delegated, session]) {
      for (const name of ['.', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control']) {
        fs.chownSync(path.join(directory, name), uid, uid);
      }
    }
  }
  return { uid, group: session, env: { XDG_RUNTIME_DIR: runtimeDirectory, HOME: '/' } };
}

function rootless(args: string[], change: (config: Config) => void = () => undefined): Container {
  return new Container(
    args,
    (config) => {
      for (const property of ['uidMappings', 'gidMappings']) {
        config.linux[property] = [{ containerID: 0, hostID: uid, size: 1 }];
      }
      change(config);
    },
    { caller: ordinaryUser(), specFlags: ['--rootless'] },
  );
}

export const rootlessChecks: readonly Check[] = [
  {
    name: 'an ordinary user runs a container as its root',
    run() {
      const { status, output } = rootless([
        'sh',
        '-c',
        'id -u; cat /proc/self/uid_map; exit 3',
      ]).runToEnd();
      assert.equal(status, 3, output);
      assert.match(output, /^(?:.*warn.*\n)*0\n\s+0\s+1000\s+1\n$/);
    },
  },
  {
    name: 'an ordinary user creates, starts, enters, kills and deletes',
    run() {
      const container = rootless(['sleep', '1000']).start();
      assert.match(container.exec('id', '-u').output, /0\n$/);
      container.ok('kill', container.id, 'KILL');
      container.ok('delete', '--force', container.id);
    },
  },
  {
    name: 'an ordinary user cannot set limits outside his own groups',
    run() {
      const container = rootless(['true'], limits({ pids: { limit: 10 } }));
      const { status, output } = container.create();
      assert.equal(status, 1);
      assert.match(output, /unable to apply cgroup configuration/);
    },
  },
  {
    name: 'an ordinary user sets limits in the groups that were given to him',
    run() {
      const container = rootless(['sleep', '1000'], (config) => {
        config.linux.cgroupsPath = `/user-${uid}/box`;
        limits({ pids: { limit: 12 }, memory: { limit: 33_554_432 } })(config);
      }).start();
      assert.equal(container.file('pids.max'), '12');
      assert.equal(container.file('memory.max'), '33554432');
      assert.equal(container.file('cgroup.procs'), String(container.state().pid));
      const { status, output } = container.exec('true');
      assert.equal(status, 0, output);
      container.ok('pause', container.id);
      container.ok('resume', container.id);
    },
  },
];
