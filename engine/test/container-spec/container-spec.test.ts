import { expect } from 'chai';
import { defaultCapabilities } from '#spec/capabilities';
import { StackError } from '#spec/errors';
import { parseRuntimeConfig, type RuntimeConfig } from '#spec/oci/runtime-config';
import { decodeContainerConfig } from '../../src/api/container-config.ts';
import { decodeHostConfig } from '../../src/api/host-config.ts';
import { parseBind } from '../../src/container-spec/bind-text.ts';
import { requestedMounts } from '../../src/container-spec/requested-mounts.ts';
import { containerCapabilities } from '../../src/container-spec/capabilities.ts';
import { containerSpec } from '../../src/container-spec/container-spec.ts';
import { mergeEnvironment } from '../../src/container-spec/environment.ts';
import { parseSecurityOptions } from '../../src/container-spec/security-options.ts';

const mebibyte = 1024 * 1024;

const abilities = {
  swapLimit: true,
  memorySwappiness: true,
  oomKillDisable: true,
  kernelMemoryTcp: true,
  cpuRealtime: true,
  cpusetCpus: '0-1,4',
  cpusetMems: '0',
};

function specOf(config: object = {}, hostConfig: object = {}): RuntimeConfig {
  const decoded = decodeHostConfig({ CgroupnsMode: 'host', IpcMode: 'private', ...hostConfig }, '');
  const spec = containerSpec({
    id: 'a'.repeat(64),
    config: decodeContainerConfig({ Cmd: ['sh'], Hostname: 'box', ...config }, ''),
    hostConfig: decoded,
    mounts: requestedMounts(decoded).map((mount) => ({
      mount,
      source: mount.type === 'bind' ? mount.source : `/volumes/${mount.name}/_data`,
    })),
    etc: { hostname: '/c/hostname', hosts: '/c/hosts', resolvConf: '/c/resolv.conf' },
    joined: { network: '/run/netns/x' },
    sharedMemory: undefined,
    rootFiles: { read: () => undefined },
    cgroupsPath: '/engine/a',
    cgroups: abilities,
    modules: { apparmor: false, selinux: false },
  });
  // What it makes must be what the runtime reads.
  return parseRuntimeConfig(JSON.parse(JSON.stringify(spec)));
}

describe('containerSpec', () => {
  it('joins the given network namespace and makes the others', () => {
    expect(specOf().linux?.namespaces).to.deep.equal([
      { type: 'mount' },
      { type: 'network', path: '/run/netns/x' },
      { type: 'uts' },
      { type: 'pid' },
      { type: 'ipc' },
    ]);
  });

  it('runs Entrypoint and Cmd with the environment of docker', () => {
    const { process } = specOf({
      Entrypoint: ['/entry'],
      Cmd: ['a', 'b'],
      Env: ['A=1', 'PATH=/bin'],
      Tty: true,
    });
    expect(process.args).to.deep.equal(['/entry', 'a', 'b']);
    expect(process.env).to.deep.equal(['PATH=/bin', 'HOSTNAME=box', 'TERM=xterm', 'A=1']);
    expect(process.cwd).to.equal('/');
  });

  it('turns limits into resources', () => {
    const { linux } = specOf({}, { Memory: 32 * mebibyte, NanoCpus: 500_000_000, PidsLimit: 20 });
    expect(linux?.resources?.memory).to.deep.equal({ limit: 32 * mebibyte, swap: 64 * mebibyte });
    expect(linux?.resources?.cpu).to.deep.equal({ period: 100_000, quota: 50_000 });
    expect(linux?.resources?.pids).to.deep.equal({ limit: 20 });
  });

  it('refuses limits that cannot be', () => {
    for (const [hostConfig, words] of [
      [{ Memory: 1000 }, 'Minimum memory limit allowed is 6MB'],
      [{ Memory: 32 * mebibyte, MemorySwap: 16 * mebibyte }, 'Minimum memoryswap limit'],
      [{ NanoCpus: 1e15 }, 'range of CPUs is from 0.01'],
      [{ CpusetCpus: '1-5' }, 'Requested CPUs are not available - requested 1-5, available: 0-1,4'],
      [{ CpusetMems: '3' }, 'Requested memory nodes are not available'],
      [{ CpusetCpus: '1-' }, 'Invalid value 1- for cpuset cpus'],
      [{ MemorySwappiness: 101 }, 'valid memory swappiness range is 0-100'],
      [
        { CpuRealtimeRuntime: 2000, CpuRealtimePeriod: 1000 },
        'cpu real-time runtime cannot be higher than cpu real-time period',
      ],
      [{ NanoCpus: 1e9, CpuQuota: 5000 }, 'Conflicting options'],
      [{ Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 5 }] }, 'soft limit must be less'],
      [{ Ulimits: [{ Name: 'nope', Soft: 1, Hard: 1 }] }, 'invalid ulimit type'],
    ] as const) {
      expect(() => specOf({}, hostConfig), words).to.throw(StackError, words);
    }
  });

  it('lets a mount of the user replace a default one, parents before children', () => {
    const { mounts = [] } = specOf(
      {},
      { Binds: ['/host:/data/deep', '/x:/data:ro'], Tmpfs: { '/dev/shm': 'size=1m' } },
    );
    const destinations = mounts.map(({ destination }) => destination);
    expect(destinations.filter((name) => name === '/dev/shm')).to.have.length(1);
    expect(destinations.indexOf('/data')).to.be.lessThan(destinations.indexOf('/data/deep'));
    expect(mounts.find(({ destination }) => destination === '/data')?.options).to.include('rro');
    expect(() => specOf({}, { Binds: ['/a:/b', '/c:/b'] })).to.throw(
      StackError,
      'Duplicate mount point: /b',
    );
  });

  it('gives an ordinary user no effective capabilities', () => {
    const { capabilities } = specOf({ User: '1000' }).process;
    expect(capabilities?.bounding).to.not.be.empty;
    expect(capabilities?.effective).to.equal(undefined);
  });

  it('takes masks, filter and read-only mounts away from a privileged container', () => {
    const { linux, mounts = [] } = specOf({}, { Privileged: true });
    expect([linux?.maskedPaths, linux?.readonlyPaths, linux?.seccomp]).to.deep.equal([
      [],
      [],
      undefined,
    ]);
    expect(mounts.find(({ destination }) => destination === '/sys')?.options).to.include('rw');
  });
});

describe('containerCapabilities', () => {
  const host = new Set<string>([...defaultCapabilities, 'CAP_SYS_ADMIN']);
  const of = (add: string[], drop: string[]) =>
    containerCapabilities({ add, drop, privileged: false }, host);

  it('adds and drops by any spelling', () => {
    expect(of(['sys_admin'], ['CAP_CHOWN']))
      .to.include('CAP_SYS_ADMIN')
      .and.not.include('CAP_CHOWN');
    expect(of(['SYS_ADMIN'], ['ALL'])).to.deep.equal(['CAP_SYS_ADMIN']);
    expect(of(['ALL'], ['KILL']))
      .to.include('CAP_SYS_ADMIN')
      .and.not.include('CAP_KILL');
  });

  it('names what is unknown and what the host does not have', () => {
    expect(() => of(['FLY'], [])).to.throw(StackError, 'invalid capability: "FLY"');
    expect(() => of(['SYS_BOOT'], [])).to.throw(StackError, 'does not hold CAP_SYS_BOOT');
  });
});

describe('parseBind', () => {
  it('reads source, destination and options', () => {
    expect(parseBind('/a/../b:/c/:ro,rslave')).to.deep.include({
      source: '/b',
      destination: '/c',
      writable: false,
      propagation: 'rslave',
    });
  });

  it('takes a name for a volume, and a destination alone for an anonymous one', () => {
    expect(parseBind('vol:/c:ro,nocopy', 'local')).to.deep.include({
      type: 'volume',
      name: 'vol',
      destination: '/c',
      writable: false,
      copy: false,
      mode: 'ro,nocopy',
    });
    expect(parseBind('/a')).to.deep.include({ type: 'volume', name: '', destination: '/a' });
  });

  it('refuses relative paths, names that are none and unknown options', () => {
    for (const text of ['/a:c', '/a:/', '/a:/b:sideways', '/a:/b:ro:x', ':/b', 'vol:/b:rshared']) {
      expect(() => parseBind(text), text).to.throw(StackError, 'invalid');
    }
    expect(() => parseBind('./a:/c')).to.throw(StackError, 'use absolute path');
    expect(() => parseBind('a:/c')).to.throw(StackError, 'volume name is too short');
  });
});

describe('parseSecurityOptions', () => {
  it('knows what can be had and names what cannot', () => {
    expect(
      parseSecurityOptions([
        ...['no-new-privileges', 'seccomp:unconfined', 'label=type:x', 'label=level:s0'],
        ...['apparmor=mine', 'writable-cgroups=F'],
      ]),
    ).to.deep.equal({
      noNewPrivileges: true,
      seccomp: 'unconfined',
      apparmor: 'mine',
      labels: ['type:x', 'level:s0'],
      writableCgroups: false,
    });
    expect(parseSecurityOptions(['no-new-privileges=false']).noNewPrivileges).to.equal(false);
    for (const [option, words] of [
      ['nope', 'invalid --security-opt 1: "nope"'],
      ['nope=1', 'invalid --security-opt 2: "nope=1"'],
      ['no-new-privileges=maybe', 'invalid --security-opt 2'],
    ] as const) {
      expect(() => parseSecurityOptions([option])).to.throw(StackError, words);
    }
  });
});

describe('mergeEnvironment', () => {
  it('replaces in place, and removes a name without a value', () => {
    expect(mergeEnvironment(['A=1', 'B=2'], ['A=3', 'B', 'C=4'])).to.deep.equal(['A=3', 'C=4']);
  });
});
