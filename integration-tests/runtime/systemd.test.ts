/**
 * `--systemd-cgroup` against a systemd that only plays one: it records what it is asked and moves processes as the real
 * one does. The real one runs in the virtual machine (integration-tests/vm).
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { hasDbusDaemon, PrivateBus } from '../../lib/test/dbus/private-bus.ts';
import { FakeSystemd } from '../../lib/test/systemd/fake-systemd.ts';
import { run } from '../harness/command.ts';
import { skip } from '../harness/peers.ts';
import { describeContainers } from './fixture.ts';

/** Where systemd keeps track of units on cgroup v1. */
const hierarchy = '/sys/fs/cgroup/systemd';

describeContainers('runtime --systemd-cgroup', (fixture) => {
  let bus: PrivateBus | undefined;
  let systemd: FakeSystemd;
  let moved: string[];

  before(async function () {
    if (!hasDbusDaemon()) skip(this, 'needs dbus-daemon (scripts/install-peers)');
    if (!fs.existsSync(hierarchy)) skip(this, `needs ${hierarchy}`, { allowedInCi: true });
    bus = await PrivateBus.start();
  });
  after(() => bus?.stop());
  beforeEach(async () => {
    systemd = await FakeSystemd.start(bus?.path ?? '');
    moved = [];
    systemd.behaviour.onStart = (unit, properties) => {
      const slice = properties.get('Slice');
      const group = path.join(hierarchy, slice as string, unit);
      fs.mkdirSync(group, { recursive: true });
      for (const pid of (properties.get('PIDs') as number[] | undefined) ?? []) {
        fs.writeFileSync(path.join(group, 'cgroup.procs'), String(pid));
        moved.push(fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
      }
    };
  });
  afterEach(() => systemd.close());

  /** The slice is the test's own; what the driver made of it is removed at the end of each. */
  const slice = 'runtimetest.slice';
  afterEach(() => {
    for (const controller of fs.readdirSync('/sys/fs/cgroup')) {
      const group = path.join('/sys/fs/cgroup', controller, slice);
      if (fs.existsSync(group)) fs.rmdirSync(group);
    }
  });

  /** Not synchronous: the systemd that it talks to lives here. Output goes to files, which a container may keep open. */
  const runtime = async (...args: string[]) => {
    const { directory, root } = fixture().bundle;
    const command = [executablePath('runtime'), '--root', root, ...args];
    const { status } = await run('sh', ['-c', 'exec "$@" >stdout 2>stderr', 'sh', ...command], {
      cwd: directory,
      env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: bus?.address ?? '' },
    });
    const output = (name: string) => fs.readFileSync(path.join(directory, name), 'utf8');
    return { status, stdout: output('stdout'), stderr: output('stderr') };
  };
  const configure = (args: string[], change: (config: RuntimeConfig) => void = () => undefined) =>
    fixture().bundle.configure(args, (config) => {
      config.linux = { ...config.linux, cgroupsPath: `${slice}:test:${fixture().id}` };
      change(config);
    });

  it('lets systemd make a scope, puts the container into it, and stops it with the container', async () => {
    const { id } = fixture();
    configure(['cat', '/proc/self/cgroup'], (config) => {
      config.linux = {
        ...config.linux,
        namespaces: config.linux?.namespaces?.filter(({ type }) => type !== 'cgroup') ?? [],
        resources: { memory: { limit: 64 << 20 }, pids: { limit: 20 }, cpu: { quota: 50_000 } },
      };
      config.annotations = { 'org.systemd.property.TimeoutStopSec': 'uint64 3' };
    });
    const { stdout, stderr, status } = await runtime('--systemd-cgroup', 'run', id);
    expect({ stderr, status }).to.deep.equal({ stderr: '', status: 0 });
    const scope = `test-${id}.scope`;
    const groups = stdout.trim().split('\n');
    expect(groups.filter((line) => line.endsWith(`/${slice}/${scope}`))).to.have.length.above(3);
    expect(moved).to.deep.equal(['runtime:unit']);
    expect(systemd.members).to.deep.equal(['StartTransientUnit', 'StopUnit', 'ResetFailedUnit']);
    const properties = Object.fromEntries(systemd.properties);
    expect(properties).to.deep.include({
      Slice: slice,
      Delegate: true,
      DefaultDependencies: false,
      MemoryAccounting: true,
      MemoryLimit: 64n << 20n,
      TasksMax: 20n,
      CPUQuotaPerSecUSec: 500_000n,
      TimeoutStopUSec: 3_000_000n,
    });
    expect(fs.existsSync(path.join(hierarchy, slice, scope))).to.equal(false);
  });

  it('changes the properties of the unit with an update, and ends it with a delete', async () => {
    const { id } = fixture();
    configure(['sleep', '100']);
    expect(await runtime('--systemd-cgroup', 'create', id)).to.include({ status: 0 });
    expect(await runtime('start', id)).to.include({ status: 0 });
    systemd.forget();
    expect(await runtime('update', '--pids-limit', '7', id)).to.include({ status: 0 });
    expect(systemd.calls).to.deep.equal([
      {
        member: 'SetUnitProperties',
        body: [`test-${id}.scope`, true, [['TasksMax', { signature: 't', value: 7n }]]],
      },
    ]);
    const limit = path.join('/sys/fs/cgroup/pids', slice, `test-${id}.scope`, 'pids.max');
    if (fs.existsSync(limit)) expect(fs.readFileSync(limit, 'utf8').trim()).to.equal('7');
    systemd.forget();
    expect(await runtime('delete', '--force', id)).to.include({ status: 0 });
    expect(systemd.members).to.deep.equal(['StopUnit', 'ResetFailedUnit']);
  });

  it('leaves no unit, no process and no state behind when the container cannot start', async () => {
    const { id, bundle } = fixture();
    configure(['/no/such/command']);
    const { status, stderr } = await runtime('--systemd-cgroup', 'run', id);
    expect(status).to.equal(1);
    expect(stderr).to.include('no such file or directory');
    expect(systemd.members).to.deep.equal(['StartTransientUnit', 'StopUnit', 'ResetFailedUnit']);
    expect(fs.readdirSync(bundle.root)).to.deep.equal([]);
  });

  it('passes on that a job has failed', async () => {
    systemd.behaviour.jobResult = 'failed';
    configure(['true']);
    const { stderr } = await runtime('--systemd-cgroup', 'run', fixture().id);
    expect(stderr.replaceAll('\\"', '"')).to.include(
      `error creating systemd unit "test-${fixture().id}.scope": got "failed"`,
    );
    fs.rmdirSync(path.join(hierarchy, slice, `test-${fixture().id}.scope`));
  });

  it('explains a program that enters the scope', async () => {
    configure(['true']);
    const { stdout } = await runtime('--systemd-cgroup', 'explain', '--id', 'box', '.');
    expect(stdout).to.include(`/${slice}/test-${fixture().id}.scope`);
    expect(systemd.members).to.deep.equal([]);
  });

  it('refuses a path that is no unit, and a machine without systemd', async () => {
    const { id } = fixture();
    configure(['true'], (config) => {
      config.linux = { ...config.linux, cgroupsPath: '/some/group' };
    });
    const { stderr } = await runtime('--systemd-cgroup', 'run', id);
    expect(stderr).to.include('expected cgroupsPath to be of format');
    configure(['true']);
    const result = await run(
      executablePath('runtime'),
      ['--root', fixture().bundle.root, '--systemd-cgroup', 'run', id],
      {
        cwd: fixture().bundle.directory,
        env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/no/such/bus' },
      },
    );
    expect(result.stderr).to.include('systemd support for managing cgroups is not available');
  });
});
