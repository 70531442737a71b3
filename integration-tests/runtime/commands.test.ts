/** Commands that tell something: events, explain, features. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';

interface Features {
  hooks: string[];
  mountOptions: string[];
  linux: {
    seccomp: { actions: string[] };
    mountExtensions: { idmap: { enabled: boolean } };
    netDevices: { enabled: boolean };
    intelRdt: { enabled: boolean };
  };
}

describeContainers('commands', (fixture) => {
  it('events prints a line per interval until the container ends', async () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    bundle.run(['start', id]);
    const child = spawn(
      executablePath('runtime'),
      ['--root', bundle.root, 'events', '--interval', '50ms', id],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = once(child, 'exit');
    await waitFor('three lines', () => output.split('\n').length > 3);
    bundle.run(['kill', id, 'KILL']);
    const [code] = (await ended) as [number | null];
    expect(code).to.equal(0);
    for (const line of output.trim().split('\n')) {
      const event = JSON.parse(line) as { type: string; id: string; data: { pids: object } };
      expect(event).to.include({ type: 'stats', id });
      expect(event.data.pids).to.have.property('current');
    }
  });

  it('events --stats prints one line', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    expect(bundle.run(['events', '--stats', id]).stdout.trim().split('\n')).to.have.length(1);
  });

  it('explain --json names the property behind the operations', () => {
    const { bundle } = fixture();
    bundle.configure(['true']);
    const { status, stdout } = bundle.run(['explain', '--json', '.']);
    expect(status).to.equal(0);
    const { operations } = JSON.parse(stdout) as { operations: { property?: string }[] };
    const properties = operations.map(({ property }) => property);
    expect(properties).to.include.members(['root.path', 'mounts[0]', 'process.args']);
  });

  it('features lists what works and nothing else', () => {
    const { stdout } = fixture().bundle.run(['features']);
    const { hooks, mountOptions, linux } = JSON.parse(stdout) as Features;
    expect(hooks).to.have.length(6);
    expect(mountOptions).to.include.members(['rro', 'idmap', 'ridmap', 'tmpcopyup', 'nosymfollow']);
    expect(linux.seccomp.actions).to.include('SCMP_ACT_NOTIFY');
    expect(linux.mountExtensions.idmap.enabled).to.equal(true);
    expect(linux.netDevices.enabled).to.equal(false);
    expect(linux.intelRdt.enabled).to.equal(false);
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
