/** Containers in a mount namespace that exists, and in that of their caller; and execs into both. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { expect } from 'chai';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';

const mountsOf = (pid: number | 'self') => fs.readFileSync(`/proc/${pid}/mountinfo`, 'utf8');

describeContainers('mount namespaces', (fixture) => {
  describe('joined by path', () => {
    let holder: ChildProcess | undefined;
    const pid = () => holder?.pid ?? 0;

    beforeEach(async () => {
      holder = spawn('unshare', ['-m', '--propagation', 'private', 'sleep', '300']);
      await waitFor('a mount namespace', () => {
        const own = fs.readlinkSync('/proc/self/ns/mnt');
        return fs.readlinkSync(`/proc/${pid()}/ns/mnt`) !== own;
      });
    });
    afterEach(async () => {
      const ended = holder && once(holder, 'exit');
      holder?.kill('SIGKILL');
      await ended;
    });

    it('are where the container builds its root, and an exec finds it', () => {
      const { bundle, id } = fixture();
      const before = mountsOf('self');
      const { status, stderr } = fixture().create(['sleep', '60'], ({ linux }) => {
        const mount = linux!.namespaces!.find(({ type }) => type === 'mount');
        mount!.path = `/proc/${pid()}/ns/mnt`;
      });
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      bundle.run(['start', id]);
      const { stdout } = bundle.run(['exec', id, 'sh', '-c', 'readlink /proc/self/ns/mnt; ls /']);
      expect(stdout.split('\n')).to.include.members([
        fs.readlinkSync(`/proc/${pid()}/ns/mnt`),
        'bin',
        'proc',
      ]);
      expect(stdout).not.to.contain('boot');
      expect(mountsOf('self')).to.equal(before);
    });
  });

  describe('that of the caller', () => {
    const withoutMounts = (config: RuntimeConfig) => {
      const linux = config.linux!;
      linux.namespaces = linux.namespaces!.filter(({ type }) => type !== 'mount');
      delete linux.maskedPaths;
      delete linux.readonlyPaths;
      config.mounts = [];
      config.root.readonly = false;
    };

    it('is kept by a container without one, whose root is a directory, for an exec too', () => {
      const { bundle, id, rootfs } = fixture();
      const before = mountsOf('self');
      fs.writeFileSync(`${rootfs}/mark`, '');
      const { status, stderr } = fixture().create(['sleep', '60'], withoutMounts);
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      bundle.run(['start', id]);
      const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
      expect(fs.readlinkSync(`/proc/${pid}/ns/mnt`)).to.equal(fs.readlinkSync('/proc/self/ns/mnt'));
      expect(fs.readlinkSync(`/proc/${pid}/root`)).to.equal(fs.realpathSync(rootfs));
      const inside = bundle.run(['exec', '--cwd', '/etc', id, 'sh', '-c', 'pwd; ls /mark /..']);
      expect(inside.stdout, inside.stderr).to.match(/^\/etc\n\/mark\n/);
      expect(inside.stdout).not.to.contain('boot');
      expect(mountsOf('self')).to.equal(before);
    });

    for (const [property, change] of [
      ['mounts[0]', (config) => (config.mounts = [{ destination: '/x', type: 'tmpfs' }])],
      ['root.readonly', ({ root }) => (root.readonly = true)],
      ['linux.maskedPaths', ({ linux }) => (linux!.maskedPaths = ['/etc'])],
      ['linux.rootfsPropagation', ({ linux }) => (linux!.rootfsPropagation = 'shared')],
    ] as const satisfies readonly (readonly [string, (config: RuntimeConfig) => void])[]) {
      it(`is not changed for ${property}`, () => {
        const before = mountsOf('self');
        const { status, stderr } = fixture().run(['true'], (config) => {
          withoutMounts(config);
          change(config);
        });
        expect(status).to.equal(1);
        expect(stderr).to.contain(`${property}: needs a mount namespace`);
        expect(mountsOf('self')).to.equal(before);
      });
    }
  });

  it('an exec into a container made with --no-pivot finds its root', () => {
    const { bundle, id } = fixture();
    bundle.configure(['sleep', '60']);
    expect(bundle.run(['create', '--no-pivot', id]).stderr).to.equal('');
    bundle.run(['start', id]);
    const { stdout } = bundle.run(['exec', id, 'ls', '/']);
    expect(stdout).to.contain('bin\n').and.not.contain('boot');
  });
});
