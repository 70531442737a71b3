import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { SystemdManager } from '#lib/systemd/manager';
import { skip } from '../assembler/executables.ts';
import { hasDbusDaemon, PrivateBus } from '../dbus/private-bus.ts';
import { FakeSystemd } from './fake-systemd.ts';

describe('SystemdManager', () => {
  let bus: PrivateBus | undefined;
  let fake: FakeSystemd;
  let manager: SystemdManager;
  const systemBus = process.env['DBUS_SYSTEM_BUS_ADDRESS'];

  before(async function () {
    if (!hasDbusDaemon()) skip(this, 'needs dbus-daemon (Debian package dbus-daemon)');
    bus = await PrivateBus.start();
    process.env['DBUS_SYSTEM_BUS_ADDRESS'] = bus.address;
  });
  after(async () => {
    if (systemBus === undefined) delete process.env['DBUS_SYSTEM_BUS_ADDRESS'];
    else process.env['DBUS_SYSTEM_BUS_ADDRESS'] = systemBus;
    await bus?.stop();
  });
  beforeEach(async () => {
    fake = await FakeSystemd.start(bus?.path ?? '');
    manager = await SystemdManager.connect({ user: false });
  });
  afterEach(() => {
    manager.close();
    fake.close();
  });

  it('reads the version', async () => {
    expect(await manager.version()).to.equal(252);
    fake.behaviour = { version: 'v255.4-1.fc40', controlGroup: '/user.slice' };
    expect(await manager.version()).to.equal(255);
    expect(await manager.controlGroup()).to.equal('/user.slice');
  });

  for (const early of [false, true]) {
    it(`waits for the job of a unit, whose end comes ${early ? 'before' : 'after'} the answer`, async () => {
      fake.behaviour = { early };
      await manager.startTransientUnit('a-b.scope', [
        ['PIDs', { signature: 'au', value: [1, 2] }],
        ['Delegate', { signature: 'b', value: true }],
        ['DeviceAllow', { signature: 'a(ss)', value: [['char-pts', 'rw']] }],
      ]);
      expect(fake.members).to.deep.equal(['StartTransientUnit']);
      expect(fake.calls[0]?.body.slice(0, 2)).to.deep.equal(['a-b.scope', 'replace']);
      expect([...fake.properties]).to.deep.equal([
        ['PIDs', [1, 2]],
        ['Delegate', true],
        ['DeviceAllow', [['char-pts', 'rw']]],
      ]);
    });
  }

  it('forgets a failed unit of the name and tries once more', async () => {
    fake.behaviour = { existing: ['a.scope'] };
    await manager.startTransientUnit('a.scope', []);
    expect(fake.members).to.deep.equal([
      'StartTransientUnit',
      'ResetFailedUnit',
      'StartTransientUnit',
    ]);
  });

  it('says how a job has failed, and leaves no failed unit', async () => {
    fake.behaviour = { jobResult: 'failed' };
    const error: unknown = await manager
      .startTransientUnit('a.scope', [])
      .catch((reason: unknown) => reason);
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message', 'error creating systemd unit "a.scope": got "failed"');
    expect(fake.members).to.deep.equal(['StartTransientUnit', 'ResetFailedUnit']);
  });

  it('stops units and changes them', async () => {
    await manager.stopUnit('a.scope');
    await manager.setUnitProperties('a.scope', [['TasksMax', { signature: 't', value: 5n }]]);
    await manager.setUnitProperties('a.scope', []);
    expect(fake.calls).to.deep.equal([
      { member: 'StopUnit', body: ['a.scope', 'replace'] },
      { member: 'ResetFailedUnit', body: ['a.scope'] },
      {
        member: 'SetUnitProperties',
        body: ['a.scope', true, [['TasksMax', { signature: 't', value: 5n }]]],
      },
    ]);
  });

  it("talks to the user's own systemd over the session bus", async () => {
    const session = process.env['DBUS_SESSION_BUS_ADDRESS'];
    process.env['DBUS_SESSION_BUS_ADDRESS'] = bus?.address;
    process.env['DBUS_SYSTEM_BUS_ADDRESS'] = 'unix:path=/no/such/bus';
    try {
      fake.behaviour = { controlGroup: '/user.slice/user-1000.slice/user@1000.service' };
      const own = await SystemdManager.connect({ user: true });
      expect(await own.controlGroup()).to.equal('/user.slice/user-1000.slice/user@1000.service');
      await own.startTransientUnit('a.scope', []);
      own.close();
      expect(fake.members).to.deep.equal(['StartTransientUnit']);
    } finally {
      process.env['DBUS_SYSTEM_BUS_ADDRESS'] = bus?.address;
      if (session === undefined) delete process.env['DBUS_SESSION_BUS_ADDRESS'];
      else process.env['DBUS_SESSION_BUS_ADDRESS'] = session;
    }
  });

  it("speaks as systemd's own client does", function () {
    try {
      execFileSync('busctl', ['--version'], { stdio: 'ignore' });
    } catch {
      skip(this, 'needs busctl (Debian package systemd)');
    }
    return speakAsBusctl(bus?.address ?? '', fake, manager);
  });

  it('says where there is none', async () => {
    process.env['DBUS_SYSTEM_BUS_ADDRESS'] = 'unix:path=/no/such/bus';
    const error: unknown = await SystemdManager.connect({ user: false }).catch(
      (reason: unknown) => reason,
    );
    process.env['DBUS_SYSTEM_BUS_ADDRESS'] = bus?.address;
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.includes('systemd support for managing cgroups is not available');
  });
});

/** busctl (sd-bus) and our manager make the same call; the fake reads both. */
async function speakAsBusctl(
  address: string,
  fake: FakeSystemd,
  manager: SystemdManager,
): Promise<void> {
  const { spawn } = await import('node:child_process');
  const { once } = await import('node:events');
  const call = [
    ...['call', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1'],
    ...['org.freedesktop.systemd1.Manager', 'StartTransientUnit', 'ssa(sv)a(sa(sv))'],
    ...['a.scope', 'replace', '4'],
    ...['PIDs', 'au', '1', '77', 'MemoryMax', 't', '18446744073709551615'],
    ...['AllowedCPUs', 'ay', '2', '5', '1', 'DeviceAllow', 'a(ss)', '1', '/dev/char/1:3', 'rw'],
    '0',
  ];
  const busctl = spawn('busctl', [`--address=${address}`, ...call], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expect(await once(busctl, 'exit')).to.deep.equal([0, null]);
  await manager.startTransientUnit('a.scope', [
    ['PIDs', { signature: 'au', value: [77] }],
    ['MemoryMax', { signature: 't', value: 2n ** 64n - 1n }],
    ['AllowedCPUs', { signature: 'ay', value: Uint8Array.of(5, 1) }],
    ['DeviceAllow', { signature: 'a(ss)', value: [['/dev/char/1:3', 'rw']] }],
  ]);
  const [theirs, ours] = fake.calls;
  expect(ours).to.deep.equal(theirs);
}
