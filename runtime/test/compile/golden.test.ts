/**
 * Bundles as runc, docker, containerd and podman write them, and the programs they compile to. After a wanted change
 * `UPDATE_GOLDEN=1 npx mocha runtime/test/compile/golden.test.ts` writes the programs anew: read the difference.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { printProgram } from '#lib/loader/print';
import { compileFilter } from '#lib/seccomp/compile-filter';
import { parseRuntimeConfig, type RuntimeConfig } from '#spec/oci/runtime-config';
import { compileContainer } from '../../src/compile/container-program.ts';
import type { CgroupPlacement, CompileInput, SourceKind } from '../../src/compile/input.ts';

const bundles = path.resolve(import.meta.dirname, '../bundles');
const update = process.env.UPDATE_GOLDEN === '1';

const v1: CgroupPlacement = {
  procsFiles: ['/sys/fs/cgroup/cpu/box/cgroup.procs', '/sys/fs/cgroup/systemd/box/cgroup.procs'],
  mounts: [
    {
      name: 'cpu,cpuacct',
      directory: '/sys/fs/cgroup/cpu,cpuacct/box',
      aliases: ['cpu', 'cpuacct'],
      options: ['cpu', 'cpuacct'],
    },
    {
      name: 'systemd',
      directory: '/sys/fs/cgroup/systemd/box',
      aliases: [],
      options: ['none', 'name=systemd'],
    },
  ],
};
const v2: CgroupPlacement = {
  procsFiles: [],
  directory: '/sys/fs/cgroup/box',
  mounts: [{ name: '', directory: '/sys/fs/cgroup/box', aliases: [], options: [] }],
};

/** A host on which every source that looks like a file is one. */
function hostFor(name: string, config: RuntimeConfig): CompileInput {
  const sources = new Map<string, SourceKind>(
    (config.mounts ?? []).map(({ source = '' }) => [
      source,
      /(?:hosts|hostname|resolv\.conf|containerenv)$/.test(source) ? 'file' : 'directory',
    ]),
  );
  const ordinaryUser = name === 'rootless';
  const seccomp = config.linux?.seccomp && compileFilter(config.linux.seccomp, 'x64');
  return {
    config,
    id: 'box',
    rootfs: '/bundle/rootfs',
    fifo: '/run/runtime/box/exec.fifo',
    ...(config.process.terminal && { console: { socketPath: '/run/console.sock' } }),
    facts: {
      privileged: !ordinaryUser,
      capabilities: new Set(Array.from({ length: 41 }, (_, number) => number)),
      lastCapability: 40,
      sources,
      mayMakeDevices: !config.linux?.namespaces?.some(({ type }) => type === 'user'),
      securityModules: new Set(),
      cgroup: ordinaryUser ? { procsFiles: [], mounts: [] } : name === 'cgroup2' ? v2 : v1,
      hasKcore: true,
    },
    noPivot: false,
    noNewKeyring: false,
    preservedDescriptors: 0,
    home: '/root',
    ...(seccomp && { seccomp: { filter: seccomp.bytes, flags: seccomp.flags, notify: false } }),
  };
}

describe('compileContainer', () => {
  for (const name of fs.readdirSync(bundles).sort()) {
    it(`compiles the bundle ${name} to the program beside it`, () => {
      const folder = path.join(bundles, name);
      const json: unknown = JSON.parse(fs.readFileSync(path.join(folder, 'config.json'), 'utf8'));
      const printed = printProgram(compileContainer(hostFor(name, parseRuntimeConfig(json))));
      const golden = path.join(folder, 'program.txt');
      if (update) fs.writeFileSync(golden, printed);
      expect(printed).to.equal(fs.readFileSync(golden, 'utf8'));
    });
  }
});
