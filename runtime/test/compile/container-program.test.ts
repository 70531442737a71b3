import { expect } from 'chai';
import { printProgram } from '#lib/loader/print';
import type { Operation, SyscallOperation } from '#lib/loader/program';
import { defaultSpec } from '#spec/oci/default-spec';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { compileContainer } from '../../src/compile/container-program.ts';
import type { CompileInput, HostFacts } from '../../src/compile/input.ts';

const facts: HostFacts = {
  privileged: true,
  capabilities: new Set(Array.from({ length: 41 }, (_, number) => number)),
  lastCapability: 40,
  sources: new Map([['/srv/data', 'directory']]),
  mayMakeDevices: true,
  securityModules: new Set(),
  cgroup: { joinFiles: [], mounts: [] },
  hasKcore: false,
};

function input(change: (config: RuntimeConfig) => void, more: Partial<CompileInput> = {}) {
  const config = defaultSpec();
  config.process.terminal = false;
  change(config);
  return {
    config,
    id: 'box',
    rootfs: '/bundle/rootfs',
    facts,
    rootMount: '/run/runtime/c/rootfs',
    noPivot: false,
    noNewKeyring: false,
    preservedDescriptors: 0,
    home: '/',
    ...more,
  } satisfies CompileInput;
}

function syscalls(operations: readonly Operation[]): SyscallOperation[] {
  return operations.filter((operation) => operation.kind === 'syscall');
}

function compile(change: (config: RuntimeConfig) => void, more: Partial<CompileInput> = {}) {
  return syscalls(compileContainer(input(change, more)).operations);
}

const nothing = () => undefined;

describe('compileContainer', () => {
  const labels: readonly [string, (config: RuntimeConfig) => void][] = [
    ['process.selinuxLabel', ({ process }) => (process.selinuxLabel = 'x')],
    ['process.apparmorProfile', ({ process }) => (process.apparmorProfile = 'x')],
  ];
  for (const [property, change] of labels) {
    it(`refuses ${property} where nobody enforces it`, () => {
      expect(() => compile(change))
        .to.throw(property)
        .with.property('kind', 'invalid_argument');
    });
  }

  it('labels mounts where SELinux is enabled, and nowhere else', () => {
    const options = (securityModules: Set<'selinux'>) =>
      printProgram(
        compileContainer(
          input(({ linux }) => (linux!.mountLabel = 'a:b:c:s0'), {
            facts: { ...facts, securityModules },
          }),
        ),
      );
    expect(options(new Set(['selinux']))).to.contain('"context", "a:b:c:s0"');
    expect(options(new Set())).not.to.contain('a:b:c:s0');
  });

  it('refuses id mappings of anything but a bind mount', () => {
    expect(() =>
      compile(({ mounts }) => {
        mounts![1]!.uidMappings = [{ containerID: 0, hostID: 1, size: 1 }];
      }),
    ).to.throw('mounts[1]: only bind mounts can have id mappings');
  });

  it('writes labels by way of the /proc of the host and nothing on top of it', () => {
    const calls = compile(
      ({ process }) => {
        process.apparmorProfile = 'docker-default';
        process.selinuxLabel = 'system_u:system_r:container_t:s0';
      },
      { facts: { ...facts, securityModules: new Set(['apparmor', 'selinux']) } },
    );
    const stages = ['set the AppArmor profile', 'set the SELinux label'];
    const opened = calls.filter(({ name, stage }) => name === 'openat2' && stages.includes(stage));
    expect(opened).to.have.length(3); // AppArmor's file moved in Linux 5.8
    expect(
      calls.filter(({ name, stage }) => name === 'write' && stages.includes(stage)),
    ).to.have.length(2);
  });

  it('refuses a memory policy that the kernel does not know', () => {
    expect(() => compile(({ linux }) => (linux!.memoryPolicy = { mode: 'MPOL_BEST' }))).to.throw(
      'linux.memoryPolicy.mode: "MPOL_BEST" is none of MPOL_DEFAULT',
    );
  });

  it('refuses a mount inside /proc', () => {
    expect(() =>
      compile(({ mounts }) =>
        mounts!.push({ destination: '/proc/self/attr', type: 'tmpfs', source: 'tmpfs' }),
      ),
    ).to.throw('"/proc/self/attr" cannot be mounted because it is inside /proc');
  });

  it('refuses a mount inside /proc that is spelled another way', () => {
    expect(() =>
      compile(({ mounts }) =>
        mounts!.push({ destination: '/dev/..//proc/./sys', type: 'tmpfs', source: 'tmpfs' }),
      ),
    ).to.throw('inside /proc');
  });

  it('refuses a sysctl of the host', () => {
    expect(() => compile(({ linux }) => (linux!.sysctl = { 'kernel.panic': '1' }))).to.throw(
      'linux.sysctl: "kernel.panic" does not belong to a namespace',
    );
  });

  it('refuses a sysctl of a namespace that the container shares with the host', () => {
    expect(() =>
      compile(({ linux }) => {
        linux!.sysctl = { 'net.ipv4.ip_forward': '1' };
        linux!.namespaces = linux!.namespaces!.filter(({ type }) => type !== 'network');
      }),
    ).to.throw('needs a network namespace');
  });

  it('opens no path of the container without RESOLVE_IN_ROOT', () => {
    const calls = compile(nothing);
    const clone = calls.findIndex(({ name }) => name === 'clone3');
    const pivot = calls.findIndex(({ name }) => name === 'pivot_root');
    const opened = calls.slice(clone, pivot).filter(({ name }) => name === 'openat');
    expect(opened.map(({ stage }) => stage)).to.deep.equal(['enter the root file system']);
  });

  it('clones a bind source in its turn, and first where the container does not find it', () => {
    const isFirst = (change: (config: RuntimeConfig) => void, privileged = true) => {
      const calls = compile(
        (config) => {
          config.mounts!.push({
            destination: '/data',
            type: 'bind',
            source: '/srv/data',
            options: ['rbind'],
          });
          change(config);
        },
        { facts: { ...facts, privileged } },
      );
      const at = (wanted: string) => calls.findIndex(({ property }) => property === wanted);
      return at('mounts[7].source') < calls.findIndex(({ name }) => name === 'clone3');
    };
    const withUserNamespace = ({ linux }: RuntimeConfig) => {
      linux!.namespaces!.push({ type: 'user' });
    };
    const shared = ({ linux }: RuntimeConfig) => (linux!.rootfsPropagation = 'rshared');
    expect(isFirst(nothing)).to.be.false;
    expect(isFirst(withUserNamespace)).to.be.true;
    expect(isFirst(shared)).to.be.true;
    expect(isFirst(withUserNamespace, false)).to.be.false;
  });

  it('touches no mount of the host in a mount namespace that is shared with it', () => {
    const calls = compile(({ linux }) => {
      linux!.namespaces = linux!.namespaces!.filter(({ type }) => type !== 'mount');
    });
    const names = calls.map(({ name }) => name);
    expect(names).to.include('chroot').and.not.include.members(['pivot_root', 'mount', 'umount2']);
  });

  it('refuses a user namespace without a mount namespace', () => {
    expect(() =>
      compile(({ linux }) => (linux!.namespaces = [{ type: 'pid' }, { type: 'user' }])),
    ).to.throw('linux.namespaces: a container in a user namespace needs a mount namespace');
  });

  it('loads the seccomp filter last, with no_new_privs and without', () => {
    const seccomp = { filter: Buffer.alloc(8), flags: 0, notify: false };
    const names = (noNewPrivileges: boolean) =>
      compile(({ process }) => (process.noNewPrivileges = noNewPrivileges), { seccomp }).map(
        ({ name }) => name,
      );
    expect(names(true).slice(-2)).to.deep.equal(['seccomp', 'execve']);
    expect(names(false).slice(-3)).to.deep.equal(['capset', 'seccomp', 'execve']);
  });

  it('gives up CAP_SYS_ADMIN after a filter with a listener', () => {
    const seccomp = { filter: Buffer.alloc(8), flags: 0, notify: true };
    const stages = compile(({ process }) => (process.noNewPrivileges = false), { seccomp }).map(
      ({ stage }) => stage,
    );
    const at = (stage: string) => stages.indexOf(stage);
    expect(at('take CAP_SYS_ADMIN')).to.be.lessThan(at('load the seccomp filter'));
    expect(at('give up CAP_SYS_ADMIN')).to.be.within(
      at('hand over the seccomp listener'),
      at('wait until the container is on record'),
    );
  });

  it('leaves a process without capabilities none', () => {
    const calls = compile(({ process }) => delete process.capabilities);
    const dropped = calls.filter(({ stage }) => stage.startsWith('drop CAP_'));
    expect(dropped).to.have.lengthOf(facts.capabilities.size);
  });

  it('drops capabilities that the caller does not hold', () => {
    const held = new Set([...facts.capabilities].filter((number) => number !== 5));
    const calls = compile(nothing, { facts: { ...facts, capabilities: held } });
    const dropped = calls.filter(({ stage }) => stage === 'drop CAP_KILL');
    expect(dropped).to.deep.equal([]); // not in the bounding set in the first place
    expect(calls.some(({ stage }) => stage === 'drop CAP_CHOWN')).to.be.true;
  });

  it('runs createContainer hooks before pivot_root and startContainer hooks after the fifo', () => {
    const stages = compile(
      (config) => {
        config.hooks = { createContainer: [{ path: '/a' }], startContainer: [{ path: '/b' }] };
      },
      { fifo: '/run/x' },
    ).map(({ stage }) => stage);
    const at = (stage: string) => stages.indexOf(stage);
    expect(at('run createContainer hook #0')).to.be.within(
      at('wait for the hooks of the runtime'),
      at('enter the root file system'),
    );
    expect(at('run startContainer hook #0')).to.be.within(
      at('wait for start'),
      at('close everything else on execve'),
    );
  });

  it('waits at the exec fifo only when there is one', () => {
    const stages = (more: Partial<CompileInput>) =>
      compile(nothing, more).map(({ stage }) => stage);
    expect(stages({ fifo: '/run/x' })).to.include('wait for start');
    expect(stages({})).not.to.include('wait for start');
  });
});
