/** Commands that tell something: explain, features. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { describeContainers } from './fixture.ts';

interface Features {
  hooks: string[];
  mountOptions: string[];
  potentiallyUnsafeConfigAnnotations: string[];
  linux: {
    seccomp: { actions: string[] };
    mountExtensions: { idmap: { enabled: boolean } };
    netDevices: { enabled: boolean };
    intelRdt: { enabled: boolean };
  };
}

describeContainers('commands', (fixture) => {
  it('explain --json names the property behind the operations', () => {
    const { bundle } = fixture();
    bundle.configure(['true']);
    const { status, stdout } = bundle.run(['explain', '--json', '.']);
    expect(status).to.equal(0);
    const { operations } = JSON.parse(stdout) as { operations: { property?: string }[] };
    const properties = operations.map(({ property }) => property);
    expect(properties).to.include.members(['root.path', 'mounts[0]', 'process.args']);
  });

  it('--debug logs what is to be done, and what the program says meanwhile', () => {
    const { bundle, id } = fixture();
    bundle.configure(['sleep', '60']);
    const { stderr } = bundle.run(['--debug', 'create', id]);
    expect(stderr)
      .to.contain('level=debug msg="to do: mount /proc (mounts[0])"')
      .and.match(/level=debug msg="the program says: process \d+"/)
      .and.contain('level=debug msg="the program says: ready"');
    bundle.run(['start', id]);
    expect(bundle.run(['--debug', 'exec', id, 'true']).stderr).to.contain('to do: execute');
    expect(bundle.run(['exec', id, 'true']).stderr).to.equal('');
  });

  it('features lists what works and nothing else', () => {
    const { stdout } = fixture().bundle.run(['features']);
    const { hooks, mountOptions, linux, potentiallyUnsafeConfigAnnotations } = JSON.parse(
      stdout,
    ) as Features;
    expect(hooks).to.have.length(6);
    expect(mountOptions).to.include.members(['rro', 'idmap', 'ridmap', 'tmpcopyup', 'nosymfollow']);
    expect(linux.seccomp.actions).to.include('SCMP_ACT_NOTIFY');
    expect(linux.mountExtensions.idmap.enabled).to.equal(true);
    expect(potentiallyUnsafeConfigAnnotations).to.deep.equal([
      'org.systemd.property.',
      'org.criu.config',
    ]);
    expect(linux.netDevices.enabled).to.equal(true);
    expect(linux.intelRdt.enabled).to.equal(true);
  });

  it('start knows a container whose start was killed before it had cleaned up', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    const fifo = path.join(bundle.root, id, 'exec.fifo');
    expect(fs.readFileSync(fifo, 'utf8')).to.equal('0'); // as start does, and dies
    expect(bundle.run(['state', id]).stdout).to.contain('"running"');
    expect(bundle.run(['start', id])).to.include({ status: 1 });
    expect(bundle.run(['start', id]).stderr).to.contain('already running');
    expect(bundle.run(['exec', id, 'true'])).to.include({ status: 0 });
  });
});
