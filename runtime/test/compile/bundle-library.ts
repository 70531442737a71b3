/** The bundles of ../bundles, and hosts on which they are compiled. */
import fs from 'node:fs';
import path from 'node:path';
import { compileFilter } from '#lib/seccomp/compile-filter';
import type { Architecture } from '#lib/sys/syscalls';
import { parseRuntimeConfig, type RuntimeConfig } from '#spec/oci/runtime-config';
import type { CgroupPlacement, CompileInput, SourceKind } from '../../src/compile/input.ts';

/** Holds one folder per bundle. */
export const bundles = path.resolve(import.meta.dirname, '../bundles');

const v1: CgroupPlacement = {
  joinFiles: ['/sys/fs/cgroup/cpu/box/tasks', '/sys/fs/cgroup/systemd/box/tasks'],
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
  joinFiles: [],
  directory: '/sys/fs/cgroup/box',
  mounts: [{ name: '', directory: '/sys/fs/cgroup/box', aliases: [], options: [] }],
};

/** What the bundle `name` is compiled from, on a host where every source that looks like a file is one. */
export function hostFor(name: string, architecture: Architecture = 'x64'): CompileInput {
  const config = readConfig(name);
  const sources = new Map<string, SourceKind>(
    (config.mounts ?? []).map(({ source = '' }) => [
      source,
      /(?:hosts|hostname|resolv\.conf|containerenv)$/.test(source) ? 'file' : 'directory',
    ]),
  );
  const ordinaryUser = name === 'rootless';
  const seccomp = config.linux?.seccomp && compileFilter(config.linux.seccomp, architecture);
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
      cgroup: ordinaryUser ? { joinFiles: [], mounts: [] } : name === 'cgroup2' ? v2 : v1,
      hasKcore: true,
    },
    rootMount: '/run/runtime/c/rootfs',
    noPivot: false,
    noNewKeyring: false,
    preservedDescriptors: 0,
    home: '/root',
    ...(seccomp && { seccomp: { filter: seccomp.bytes, flags: seccomp.flags, notify: false } }),
  };
}

function readConfig(name: string): RuntimeConfig {
  const file = path.join(bundles, name, 'config.json');
  return parseRuntimeConfig(JSON.parse(fs.readFileSync(file, 'utf8')));
}
