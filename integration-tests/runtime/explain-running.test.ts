/** `explain --running`: what made a container that lives, how far it has come, and what is seen of it now. */
import { expect } from 'chai';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';

interface Observation {
  property: string;
  now: string;
  asConfigured?: boolean;
}

interface Explained {
  container: { id: string; pid: number; status: string };
  observations: Observation[];
  operations: { text: string; stage: string; property?: string; progress: string }[];
}

describeContainers('explain --running', (fixture) => {
  const explain = (): Explained => {
    const { bundle, id } = fixture();
    const { status, stdout, stderr } = bundle.run(['explain', '--json', '--running', id]);
    expect(status, stderr).to.equal(0);
    return JSON.parse(stdout) as Explained;
  };
  const seen = (property: string) =>
    explain().observations.find((observation) => observation.property === property);

  it('shows a created container where it waits, and what is still to come', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    const { container, operations } = explain();
    expect(container).to.include({ id, status: 'created' });
    const progress = new Map(operations.map((operation) => [operation.stage, operation.progress]));
    expect(progress.get('mount /proc')).to.equal('done');
    expect(progress.get('wait for start')).to.equal('waiting here');
    expect(progress.get('execute')).to.equal('to come');
    const { stdout } = bundle.run(['explain', '--running', id]);
    expect(stdout)
      .to.match(new RegExp(`^container ${id}: created, process ${container.pid}`))
      .and.contain('wait for start  [waiting here]');
  });

  it('shows the program that explain shows of the bundle, all of it done', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    bundle.run(['start', id]);
    const { operations } = explain();
    expect(operations.every(({ progress }) => progress === 'done')).to.equal(true);
    const { stdout } = bundle.run(['explain', '--json', '--id', id, '.']);
    const planned = JSON.parse(stdout) as Explained;
    // Numbers of registers shift with what was preserved and restored; stages and properties do not.
    const outline = (list: Explained['operations']) => [
      ...new Set(list.map(({ stage, property }) => `${stage} (${property ?? ''})`)),
    ];
    expect(outline(operations)).to.deep.equal(outline(planned.operations));
  });

  it('tells what the kernel says of namespaces, mounts, rights, limits and groups', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], (config) => {
      config.process.noNewPrivileges = true;
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 99, hard: 100 }];
      config.linux!.resources = { ...config.linux!.resources, pids: { limit: 33 } };
    });
    bundle.run(['start', id]);
    const { observations } = explain();
    const wrong = observations.filter(({ asConfigured }) => asConfigured === false);
    expect(wrong).to.deep.equal([]);
    const now = new Map(observations.map(({ property, now: text }) => [property, text]));
    expect(now.get('linux.namespaces')).to.match(/^pid:\[\d+\] net:\[/);
    expect(now.get('mounts[0]')).to.match(/^proc proc, rw/);
    expect(now.get('root.readonly')).to.match(/(^|[ ,])ro(,|$)/);
    expect(now.get('process.rlimits[0]')).to.equal('soft 99, hard 100');
    expect(now.get('process.noNewPrivileges')).to.equal('NoNewPrivs 1');
    expect(now.get('linux.cgroupsPath')).to.equal(`/${id}`);
    expect(now.get('linux.resources.pids')).to.equal('1 processes, limit 33');
    expect(now.get('process.args')).to.equal('sleep 60');
  });

  it('marks what is otherwise than it was asked for', async () => {
    const { bundle, id } = fixture();
    const script = 'umount /dev/mqueue; ulimit -n 50; sleep 60; true';
    fixture().create(['sh', '-c', script], (config) => {
      const all = ['CAP_SYS_ADMIN'];
      config.process.capabilities = { bounding: all, effective: all, permitted: all };
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 99, hard: 100 }];
    });
    const index = JSON.parse(bundle.run(['explain', '--json', '.']).stdout) as Explained;
    const property = index.operations.find(({ stage }) => stage === 'mount /dev/mqueue')?.property;
    expect(seen(property ?? '')?.asConfigured).to.equal(true);
    bundle.run(['start', id]);
    await waitFor('it lowered its limit', () => seen('process.rlimits[0]')?.asConfigured === false);
    expect(seen(property ?? '')).to.include({
      asConfigured: false,
      now: 'nothing is mounted there',
    });
    expect(bundle.run(['explain', '--running', id]).stdout)
      .to.contain('now OTHERWISE: nothing is mounted there')
      .and.contain('now OTHERWISE: soft 50');
  });

  it('refuses a container that has ended, one that is not there, and a bundle besides', async () => {
    const { bundle, id } = fixture();
    fixture().create(['true']);
    expect(bundle.run(['explain', '--running', id, '.']).stderr).to.contain('takes a bundle or');
    expect(bundle.run(['explain', '--running', 'no-such']).stderr).to.contain('does not exist');
    bundle.run(['start', id]);
    await waitFor('it ended', () => bundle.run(['state', id]).stdout.includes('"stopped"'));
    expect(bundle.run(['explain', '--running', id]).stderr).to.contain('in the stopped state');
  });
});
