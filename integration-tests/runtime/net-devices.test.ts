/** `linux.netDevices`: what a network device is after its move, and that none is lost when something fails. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { needPeers } from '../harness/peers.ts';
import { describeContainers } from './fixture.ts';

const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });

interface Link {
  ifname: string;
  mtu: number;
  address: string;
  flags: string[];
  addr_info: { local: string; prefixlen: number; scope: string }[];
}

const read = (text: string) => JSON.parse(text) as Link[];
const addressesOf = ({ addr_info }: Link) =>
  addr_info
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .sort();

describeContainers('linux.netDevices', (fixture) => {
  let near = '';
  let far = '';
  const addresses = ['198.51.100.7/24', '2001:db8:7::1/64'];

  before(function () {
    needPeers(this, 'ip');
  });
  beforeEach(() => {
    const name = `t${randomBytes(4).toString('hex')}`;
    [near, far] = [`${name}a`, `${name}b`];
    ip('link', 'add', near, 'mtu', '1400', 'type', 'veth', 'peer', 'name', far);
    ip('link', 'set', far, 'up');
    for (const address of addresses) ip('address', 'add', address, 'dev', near);
    ip('address', 'add', '198.51.100.8/32', 'dev', near, 'scope', 'link');
    ip('link', 'set', near, 'up');
  });
  // The near end may be gone with the namespace that it was in, and the far end with it.
  afterEach(() => {
    if (read(ip('-j', 'link')).some(({ ifname }) => ifname === far)) ip('link', 'delete', far);
  });

  const onHost = (name: string) => read(ip('-j', 'address')).find(({ ifname }) => ifname === name);

  /** Creates a container that gets the device as `name`, and lists what is in its network namespace. */
  function inside(change: (config: RuntimeConfig) => void): Link[] {
    const { bundle, id } = fixture();
    const { status, stderr } = fixture().create(['sleep', '60'], change);
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
    const target = ['-t', String(pid), '-n', 'ip', '-j', 'address'];
    return read(execFileSync('nsenter', target, { encoding: 'utf8' }));
  }

  it('moves a device with its size, addresses and hardware address, renames it and brings it up', () => {
    const before = onHost(near);
    const links = inside(({ linux }) => (linux!.netDevices = { [near]: { name: 'eth0' } }));
    const [moved] = links.filter(({ ifname }) => ifname === 'eth0');
    expect(moved).to.include({ mtu: 1400, address: before?.address });
    expect(moved?.flags).to.include('UP');
    expect(moved && addressesOf(moved)).to.deep.equal(addresses);
    expect(onHost(near)).to.equal(undefined);
  });

  it('keeps the name without another, in a user namespace too', () => {
    const mapping = [{ containerID: 0, hostID: 0, size: 100 }];
    const links = inside(({ linux }) => {
      linux!.netDevices = { [near]: {} };
      linux!.namespaces!.push({ type: 'user' });
      linux!.uidMappings = mapping;
      linux!.gidMappings = mapping;
    });
    expect(links.map(({ ifname }) => ifname)).to.include(near);
  });

  it('gives a device back when the container cannot be created', () => {
    const before = onHost(near);
    const { status, stderr } = fixture().create(['no-such-command'], ({ linux }) => {
      linux!.netDevices = { [near]: { name: 'eth0' } };
    });
    expect(status).to.equal(1);
    expect(stderr).to.contain('executable file not found');
    const after = onHost(near);
    expect(after && addressesOf(after)).to.deep.equal(before && addressesOf(before));
    expect(after?.flags).to.include('UP');
  });

  for (const [what, devices] of [
    ['that does not exist', { 'no-such-dev': {} }],
    ['whose name is taken', { NEAR: { name: 'lo' } }],
  ] as const) {
    it(`names a device ${what}, and moves none`, () => {
      const [name = '', device = {}] = Object.entries(devices)[0] ?? [];
      const host = name === 'NEAR' ? near : name;
      const { status, stderr } = fixture().create(['true'], ({ linux }) => {
        linux!.netDevices = { [far]: {}, [host]: device };
      });
      expect(status).to.equal(1);
      expect(stderr).to.contain(`linux.netDevices[`).and.contain(host);
      expect(onHost(near)).not.to.equal(undefined);
      expect(onHost(far)?.flags).to.include('UP');
    });
  }

  it('needs a network namespace and names that the kernel takes, each once', () => {
    const refusal = (change: (config: RuntimeConfig) => void) =>
      fixture().create(['true'], change).stderr;
    expect(
      refusal(({ linux }) => {
        linux!.netDevices = { [near]: {} };
        linux!.namespaces = linux!.namespaces!.filter(({ type }) => type !== 'network');
      }),
    ).to.contain('linux.netDevices: needs a network namespace');
    for (const name of ['a/b', '..', 'a:b', 'a b', 'sixteen-letters-']) {
      expect(refusal(({ linux }) => (linux!.netDevices = { [near]: { name } }))).to.contain(
        `${name}\\" is not a name for a network device`,
      );
    }
    expect(
      refusal(({ linux }) => (linux!.netDevices = { [near]: { name: 'x' }, [far]: { name: 'x' } })),
    ).to.contain('x\\" is given twice');
  });
});
