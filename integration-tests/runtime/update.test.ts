/** `update`: each flag leaves in the cgroup what it leaves there when runc gets it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import type { Resources } from '#spec/oci/resources';
import { needPeers } from '../harness/peers.ts';
import { cgroupsOf, describeContainers } from './fixture.ts';

/** Files that hold limits, and not what is used. */
const limitFile =
  /^(memory\.(limit_in_bytes|memsw\.limit_in_bytes|soft_limit_in_bytes|kmem\.tcp\.limit_in_bytes|max|low|swap\.max)|cpu\.(shares|cfs_\w+|idle|rt_\w+|max|max\.burst|weight)|cpuset\.(cpus|mems)|pids\.max|blkio\.bfq\.weight|io\.bfq\.weight)$/;

function limitsOf(id: string): Record<string, string> {
  const files = cgroupsOf(id).flatMap((group) =>
    fs
      .readdirSync(group)
      .filter((name) => limitFile.test(name))
      .map((name) => [name, fs.readFileSync(path.join(group, name), 'utf8').trim()] as const),
  );
  return Object.fromEntries(files);
}

const M = 2 ** 20;

/** In this order, each on top of those before; the last five are refused. */
const updates: readonly (readonly string[])[] = [
  ['--memory', '100M'],
  ['--memory', '40M', '--memory-swap', '40M'],
  ['--memory-reservation', '20M'],
  ['--memory', '-1', '--memory-swap', '-1'],
  ['--cpu-share', '300', '--cpu-quota', '40000', '--cpu-period', '80000'],
  ['--cpu-period', '60000'],
  ['--cpu-quota', '-1'],
  ['--cpuset-cpus', '0', '--cpuset-mems', '0'],
  ['--pids-limit', '50'],
  ['--pids-limit', '-1'],
  ['--blkio-weight', '300'],
  ['--kernel-memory', '10M'],
  ['--resources', 'resources.json'],
  ['--cpu-quota', '5'],
  ['--cpuset-cpus', '900'],
  ['--memory', '10X'],
  ['--cpu-share', '1'],
  ['--cpu-share', '300000'],
];

const resources: Resources = {
  memory: { limit: 48 * M, reservation: 24 * M },
  cpu: { shares: 222, quota: 50_000, period: 100_000, cpus: '0' },
  pids: { limit: 44 },
};

describeContainers('update', (fixture) => {
  it('leaves the limits that runc leaves, after each of many updates', function () {
    const { runc } = needPeers(this, 'runc');
    const { bundle, id } = fixture();
    fs.writeFileSync(path.join(bundle.directory, 'resources.json'), JSON.stringify(resources));
    const [theirs, ours] = [runc, executablePath('runtime')].map((program, index) => {
      const name = `${id}-${index}`;
      const root = path.join(bundle.directory, `state-${index}`);
      const call = (...args: string[]) =>
        spawnSync(program, ['--root', root, ...args], {
          cwd: bundle.directory,
          stdio: 'ignore',
          timeout: 30_000,
        }).status;
      bundle.configure(['sleep', '60'], ({ linux }) => {
        linux!.resources = { ...linux!.resources, memory: { limit: 64 * M } };
        linux!.cgroupsPath = `/${name}`;
      });
      try {
        expect(call('run', '--detach', name)).to.equal(0);
        return updates.map((flags) => ({
          flags,
          status: call('update', ...flags, name),
          limits: limitsOf(name),
        }));
      } finally {
        call('delete', '--force', name);
      }
    });
    expect(ours).to.deep.equal(theirs);
    expect(ours?.map(({ status }) => status).slice(-6)).to.deep.equal([0, 1, 1, 1, 1, 1]);
  });

  // runc 1.1 does not have these flags.
  it('sets a burst, and makes a group idle', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    const burst = ['--cpu-burst', '1000', '--cpu-quota', '40000', '--cpu-period', '80000'];
    expect(bundle.run(['update', ...burst, id]).stderr).to.equal('');
    expect(bundle.run(['update', '--cpu-idle', '1', id]).stderr).to.equal('');
    const limits = limitsOf(id);
    expect(limits['cpu.cfs_burst_us'] ?? limits['cpu.max.burst']).to.equal('1000');
    expect(limits['cpu.idle']).to.equal('1');
  });

  it('names what it does not understand, and changes nothing', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], ({ linux }) => {
      linux!.resources = { ...linux!.resources, pids: { limit: 11 } };
    });
    const before = limitsOf(id);
    for (const [flags, message] of [
      [['--cpu-period', '-5'], 'resources.cpu.period'],
      [['--cpu-idle', '2'], 'resources.cpu.idle'],
      [['--resources', '/nope'], '--resources /nope'],
      [['--nope', '1'], 'flag provided but not defined: -nope'],
    ] as const) {
      const { status, stderr } = bundle.run(['update', ...flags, id]);
      expect(status).to.equal(1);
      expect(stderr).to.contain(message);
    }
    expect(limitsOf(id)).to.deep.equal(before);
  });
});
