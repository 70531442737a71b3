/** Containers of an ordinary user: with one id, with subordinate ids, with and without cgroups of his own. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { defaultSpec } from '#spec/oci/default-spec';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { needPeers } from '../harness/peers.ts';
import type { Result } from './bundle.ts';
import { describeContainers } from './fixture.ts';

const uid = 54_321;
const firstSubordinate = 100_000;

const ownId = [{ containerID: 0, hostID: uid, size: 1 }];
const withSubordinates = [...ownId, { containerID: 1, hostID: firstSubordinate, size: 10 }];

/** Runs what follows as the user, where /etc knows him and his subordinate ids: in a mount namespace of its own. */
const becomeUser = `
  for file in passwd group subuid subgid; do mount --bind "$1/$file" "/etc/$file" || exit 99; done
  [ -z "$2" ] || echo $$ > "$2/cgroup.procs" || exit 98
  shift 2
  exec setpriv --reuid ${uid} --regid ${uid} --clear-groups "$@"`;

describeContainers('an ordinary user', (fixture) => {
  const inBundle = (name: string) => path.join(fixture().bundle.directory, name);

  function configure(args: string[], maps = ownId, change?: (config: RuntimeConfig) => void): void {
    const config = defaultSpec({ rootless: { uid, gid: uid } });
    config.process = { ...config.process, terminal: false, args };
    config.linux!.uidMappings = maps;
    config.linux!.gidMappings = maps;
    change?.(config);
    fs.writeFileSync(inBundle('config.json'), JSON.stringify(config));
  }

  function runtime(
    args: string[],
    { searchPath, group = '' }: { searchPath?: string; group?: string } = {},
  ): Result {
    const files = { stdout: inBundle('stdout'), stderr: inBundle('stderr') };
    const [stdout, stderr] = Object.values(files).map((file) => fs.openSync(file, 'w'));
    const command = [executablePath('runtime'), '--root', fixture().bundle.root, ...args];
    const withPath = searchPath === undefined ? [] : ['env', `PATH=${searchPath}`];
    const { status, error } = spawnSync(
      'unshare',
      ['-m', 'sh', '-c', becomeUser, 'sh', inBundle('etc'), group, ...withPath, ...command],
      { cwd: fixture().bundle.directory, stdio: ['ignore', stdout, stderr], timeout: 30_000 },
    );
    for (const fd of [stdout, stderr]) if (fd !== undefined) fs.closeSync(fd);
    if (error) throw error;
    const read = (file: string) => fs.readFileSync(file, 'utf8');
    return { status, stdout: read(files.stdout), stderr: read(files.stderr) };
  }

  beforeEach(function () {
    needPeers(this, 'unshare', 'setpriv');
    const { bundle, rootfs } = fixture();
    fs.mkdirSync(inBundle('etc'));
    for (const name of ['passwd', 'group']) {
      const own = `somebody:x:${uid}:${name === 'passwd' ? `${uid}::/:/bin/sh` : ''}\n`;
      fs.writeFileSync(
        path.join(inBundle('etc'), name),
        fs.readFileSync(`/etc/${name}`, 'utf8') + own,
      );
    }
    for (const name of ['subuid', 'subgid']) {
      fs.writeFileSync(path.join(inBundle('etc'), name), `${uid}:${firstSubordinate}:10\n`);
    }
    fs.mkdirSync(bundle.root);
    for (const place of [bundle.root, rootfs]) fs.chownSync(place, uid, uid);
    const reachable = spawnSync(executablePath('runtime'), ['--version'], { uid, gid: uid });
    if (reachable.error) this.skip(); // the checkout lies in a directory of root's
  });

  it('maps his own id without any help', () => {
    configure(['sh', '-c', 'id -u; id -g; cat /proc/self/uid_map']);
    const { status, stdout, stderr } = runtime(['run', fixture().id], { searchPath: '/nowhere' });
    expect({ status, stdout: stdout.replaceAll(/ +/g, ' ') }, stderr).to.deep.equal({
      status: 0,
      stdout: `0\n0\n 0 ${uid} 1\n`,
    });
  });

  it('maps subordinate ids by newuidmap, and any of them may be the user, of an exec too', function () {
    needPeers(this, 'newuidmap', 'newgidmap');
    const { id } = fixture();
    configure(['sleep', '60'], withSubordinates, ({ process }) => {
      process.user = { uid: 5, gid: 6, additionalGids: [7] };
    });
    const created = runtime(['run', '--detach', id]);
    expect(created.status, created.stderr).to.equal(0);
    const { pid } = JSON.parse(runtime(['state', id]).stdout) as { pid: number };
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).to.equal(String(firstSubordinate + 4));
    expect(/^Gid:\t(\d+)/m.exec(status)?.[1]).to.equal(String(firstSubordinate + 5));
    expect(/^Groups:\t(\d+)/m.exec(status)?.[1]).to.equal(String(firstSubordinate + 6));
    const root = runtime(['exec', '--user', '0:0', id, 'sh', '-c', 'id -u; id -G']);
    expect(root.stdout, root.stderr).to.equal('0\n0 7\n');
    expect(runtime(['exec', '--user', '3', id, 'id', '-u']).stdout).to.equal('3\n');
    expect(runtime(['kill', id, 'KILL']).status).to.equal(0);
    expect(runtime(['delete', '--force', id]).status).to.equal(0);
    expect(fs.readdirSync(fixture().bundle.root)).to.deep.equal([]);
  });

  it('hears that newuidmap is missing where it is needed', () => {
    configure(['true'], withSubordinates);
    const { status, stderr } = runtime(['run', fixture().id], { searchPath: '/nowhere' });
    expect(status).to.equal(1);
    expect(stderr).to.contain('linux.uidMappings').and.contain('newuidmap, which is not installed');
    expect(fs.readdirSync(fixture().bundle.root)).to.deep.equal([]);
  });

  it('hears which ids are not his', function () {
    needPeers(this, 'newuidmap', 'newgidmap');
    configure(['true'], [...ownId, { containerID: 1, hostID: 300_000, size: 2 }]);
    const { status, stderr } = runtime(['run', fixture().id]);
    expect(status).to.equal(1);
    expect(stderr).to.match(/linux.uidMappings: newuidmap failed: .*300000/);
  });

  it('is warned that there is no cgroup for him, and hears that limits need one', () => {
    const { id } = fixture();
    configure(['true']);
    expect(runtime(['run', id]).stderr).to.contain('the container runs without a cgroup');
    configure(['true'], ownId, ({ linux }) => (linux!.resources = { pids: { limit: 9 } }));
    const { status, stderr } = runtime(['run', id]);
    expect(status).to.equal(1);
    expect(stderr).to.contain('unable to apply cgroup configuration');
  });

  it('may be taken for root by --rootless', () => {
    const { bundle, id } = fixture();
    configure(['true']);
    const refused = runtime(['--rootless', 'false', 'run', id]);
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.contain('unable to apply cgroup configuration');
    expect(runtime(['--rootless', 'true', 'run', id]).status).to.equal(0);
    expect(bundle.run(['--rootless', 'maybe', 'run', id]).stderr).to.contain('flag -rootless');
  });

  describe('who was given cgroups', () => {
    const delegated: string[] = [];
    const hierarchies = () =>
      fs
        .readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => / - cgroup2? /.test(line))
        .map((line) => line.split(' ')[4] ?? '');
    let session = '';

    beforeEach(function () {
      const mounts = hierarchies();
      if (mounts.length < 2) this.skip(); // one hierarchy of v2: see integration-tests/vm
      for (const mount of mounts) {
        const group = path.join(mount, fixture().id);
        fs.mkdirSync(group);
        delegated.push(group);
        for (const file of ['cpuset.cpus', 'cpuset.mems']) {
          const parent = path.join(mount, file);
          if (fs.existsSync(parent)) {
            fs.writeFileSync(path.join(group, file), fs.readFileSync(parent));
          }
        }
        for (const place of [group, path.join(group, 'cgroup.procs')])
          fs.chownSync(place, uid, uid);
      }
      // On cgroup v2 a process may be moved only within what was given to the user.
      const unified = mounts.find((mount) => fs.existsSync(path.join(mount, 'cgroup.controllers')));
      session = unified === undefined ? '' : path.join(unified, fixture().id, 'session');
      if (session) fs.mkdirSync(session);
    });
    afterEach(() => {
      if (session) fs.rmdirSync(session);
      for (const group of delegated.splice(0)) fs.rmdirSync(group);
    });

    it('sets limits, pauses, updates and looks at what is used', () => {
      const { id } = fixture();
      const call = (...args: string[]): string => {
        const { status, stdout, stderr } = runtime(args, { group: session });
        expect(status, `${args.join(' ')}: ${stderr}`).to.equal(0);
        return stdout;
      };
      configure(['sleep', '60'], ownId, ({ linux }) => {
        linux!.cgroupsPath = `/${id}/box`;
        linux!.resources = { memory: { limit: 32 * 2 ** 20 }, pids: { limit: 20 } };
      });
      call('run', '--detach', id);
      const memory = delegated.find((group) => fs.existsSync(`${group}/memory.limit_in_bytes`));
      const limit = () => fs.readFileSync(`${memory ?? ''}/box/memory.limit_in_bytes`, 'utf8');
      expect(limit().trim()).to.equal(String(32 * 2 ** 20));
      call('pause', id);
      expect(call('state', id)).to.contain('"paused"');
      call('resume', id);
      call('update', '--memory', String(64 * 2 ** 20), id);
      expect(limit().trim()).to.equal(String(64 * 2 ** 20));
      expect(call('events', '--stats', id)).to.contain('"limit":20');
      expect(call('exec', id, 'id', '-u')).to.equal('0\n');
      call('delete', '--force', id);
    });
  });
});
