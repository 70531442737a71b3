/** Containers in a mount namespace that exists, and in that of their caller; and execs into both. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { expect } from 'chai';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';

describeContainers('mount namespaces', (fixture) => {
  /** What is mounted on the host of the container that the test works with; others come and go. */
  const ownMounts = () => {
    const { id, bundle } = fixture();
    const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return mounts.filter((mount) => mount.includes(id) || mount.includes(bundle.directory));
  };

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
      const { status, stderr } = fixture().create(['sleep', '60'], ({ linux, mounts }) => {
        const mount = linux!.namespaces!.find(({ type }) => type === 'mount');
        mount!.path = `/proc/${pid()}/ns/mnt`;
        mounts!.push({
          destination: '/data',
          type: 'bind',
          source: bundle.directory,
          options: ['bind'],
        });
      });
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      bundle.run(['start', id]);
      const { stdout } = bundle.run([
        'exec',
        id,
        'sh',
        '-c',
        'readlink /proc/self/ns/mnt; ls / /data',
      ]);
      expect(stdout.split('\n')).to.include.members([
        fs.readlinkSync(`/proc/${pid()}/ns/mnt`),
        'bin',
        'proc',
        'config.json',
      ]);
      expect(stdout).not.to.contain('boot');
      expect(ownMounts()).to.deep.equal([]);
    });
  });

  describe('that of the caller', () => {
    const shared = (config: RuntimeConfig) => {
      config.linux!.namespaces = config.linux!.namespaces!.filter(({ type }) => type !== 'mount');
    };

    it('is kept by a container without one, which sees its own root, and so does an exec', () => {
      const { bundle, id, rootfs } = fixture();
      fs.writeFileSync(`${rootfs}/mark`, '');
      const { status, stderr } = fixture().create(['sleep', '60'], shared);
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
      bundle.run(['start', id]);
      const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
      expect(fs.readlinkSync(`/proc/${pid}/ns/mnt`)).to.equal(fs.readlinkSync('/proc/self/ns/mnt'));
      expect(ownMounts()).not.to.deep.equal([]);
      const inside = bundle.run(['exec', '--cwd', '/etc', id, 'sh', '-c', 'pwd; ls /mark /..']);
      expect(inside.stdout, inside.stderr).to.match(/^\/etc\n\/mark\n/);
      expect(inside.stdout).not.to.contain('boot');
      bundle.run(['delete', '--force', id]);
      expect(ownMounts()).to.deep.equal([]);
      expect(fs.existsSync(`${rootfs}/mark`)).to.equal(true);
    });

    it('has masked paths and a read-only root for the container alone', () => {
      const { stdout } = fixture().shell('ls /etc; touch /x 2> /dev/null || echo no', (config) => {
        shared(config);
        config.root.readonly = true;
        config.linux!.maskedPaths = ['/etc'];
      });
      expect(stdout).to.equal('no\n');
    });

    it('keeps nothing of a container that could not be made', () => {
      const { rootfs } = fixture();
      expect(fixture().create(['/nope'], shared).status).to.equal(1);
      expect(ownMounts()).to.deep.equal([]);
      expect(fs.existsSync(`${rootfs}/bin`)).to.equal(true);
    });
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
