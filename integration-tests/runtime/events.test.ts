/** `events`: a line per interval, and one when the kernel kills for want of memory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';

interface Event {
  type: string;
  id: string;
  data?: { pids: object };
}

describeContainers('events', (fixture) => {
  function follow(...flags: string[]) {
    const { bundle, id } = fixture();
    const child: ChildProcess = spawn(
      executablePath('runtime'),
      ['--root', bundle.root, 'events', ...flags, id],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    const lines = () =>
      output
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Event);
    return { lines, ended: once(child, 'exit') as Promise<[number | null]> };
  }

  it('prints a line per interval until the container ends', async () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    bundle.run(['start', id]);
    const { lines, ended } = follow('--interval', '50ms');
    await waitFor('three lines', () => lines().length > 2);
    bundle.run(['kill', id, 'KILL']);
    expect((await ended)[0]).to.equal(0);
    for (const event of lines()) {
      expect(event).to.include({ type: 'stats', id });
      expect(event.data?.pids).to.have.property('current');
    }
  });

  it('prints one line with --stats', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    expect(bundle.run(['events', '--stats', id]).stdout.trim().split('\n')).to.have.length(1);
  });

  it('tells that the kernel killed a process for want of memory', async () => {
    const { bundle, id } = fixture();
    // dd takes its whole buffer, and the shell goes on when it was killed.
    const script =
      'while [ ! -e /go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=100M; sleep 60';
    fixture().create(['sh', '-c', script], (config) => {
      config.root.readonly = false;
      config.linux!.resources = { ...config.linux!.resources, memory: { limit: 20 * 2 ** 20 } };
    });
    bundle.run(['start', id]);
    const { lines, ended } = follow('--interval', '100ms');
    await waitFor('the watch began', () => lines().length > 0);
    bundle.run(['exec', id, 'touch', '/go']);
    await waitFor('the oom event', () => lines().some(({ type }) => type === 'oom'));
    expect(lines().find(({ type }) => type === 'oom')).to.deep.equal({ type: 'oom', id });
    bundle.run(['kill', id, 'KILL']);
    expect((await ended)[0]).to.equal(0);
  });

  it('refuses an interval of nothing, and a container that has ended', async () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    expect(bundle.run(['events', '--interval', '0s', id]).stderr).to.contain(
      'duration interval must be greater than 0',
    );
    bundle.run(['kill', id, 'KILL']);
    await waitFor('it ended', () => bundle.run(['state', id]).stdout.includes('"stopped"'));
    expect(bundle.run(['events', '--stats', id]).stderr).to.contain(
      `container with id ${id} is not running`,
    );
  });
});
