import { expect } from 'chai';
import type { NamespaceType } from '#spec/oci/linux';
import { cgroupOwner } from '../../src/host/cgroup-owner.ts';

const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', options: ['nosuid'] }];
const uidMappings = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100_000, size: 500 },
];

function owner(uid: number, namespaces: NamespaceType[], change: object = {}): number | undefined {
  return cgroupOwner({
    process: { args: ['true'], cwd: '/', user: { uid, gid: 0 } },
    linux: { namespaces: namespaces.map((type) => ({ type })), uidMappings },
    mounts,
    ...change,
  });
}

describe('cgroupOwner', () => {
  it('maps the user of the process to the host', () => {
    expect(owner(0, ['cgroup', 'user'])).to.equal(1000);
    expect(owner(7, ['cgroup', 'user'])).to.equal(100_006);
  });

  it('is the user itself without a user namespace', () => {
    expect(owner(7, ['cgroup'])).to.equal(7);
  });

  it('is nobody for an id that is not mapped', () => {
    expect(owner(501, ['cgroup', 'user'])).to.equal(undefined);
  });

  it('is nobody without a cgroup namespace of its own', () => {
    expect(owner(0, ['user'])).to.equal(undefined);
  });

  it('is nobody where the cgroup mount is missing or read-only', () => {
    expect(owner(0, ['cgroup'], { mounts: [] })).to.equal(undefined);
    const readOnly = mounts.map((mount) => ({ ...mount, options: ['ro'] }));
    expect(owner(0, ['cgroup'], { mounts: readOnly })).to.equal(undefined);
  });
});
