/** `features`: what this runtime can do, as JSON (runtime-spec features.md). */
import { capabilityNames } from '#spec/capabilities';
import { ociVersion } from '#spec/oci/version';
import { hookKinds } from '#spec/oci/hooks';
import { namespaceTypes } from '#spec/oci/linux';
import { seccompActions, seccompFlags, seccompOperators } from '#spec/oci/seccomp';
import type { Command } from '../command-line/command.ts';
import { printJson } from '../command-line/output.ts';
import { memoryPolicyFlags, memoryPolicyModes } from '../compile/processor-and-memory.ts';
import { knownMountOptions } from '../compile/mount-options.ts';

export const features: Command = {
  usage: 'features',
  description: 'print what this runtime can do',
  flags: {},
  minimumArguments: 0,
  maximumArguments: 0,
  run() {
    printJson({
      ociVersionMin: '1.0.0',
      ociVersionMax: ociVersion,
      hooks: [...hookKinds],
      mountOptions: knownMountOptions(),
      linux: {
        namespaces: [...namespaceTypes].sort(),
        capabilities: [...capabilityNames],
        cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
        seccomp: {
          enabled: true,
          actions: [...seccompActions],
          operators: [...seccompOperators],
          archs: [
            'SCMP_ARCH_X86',
            'SCMP_ARCH_X86_64',
            'SCMP_ARCH_X32',
            'SCMP_ARCH_ARM',
            'SCMP_ARCH_AARCH64',
          ],
          knownFlags: [...seccompFlags],
          supportedFlags: [...seccompFlags],
        },
        apparmor: { enabled: true },
        selinux: { enabled: true },
        intelRdt: { enabled: true, schemata: true, monitoring: true },
        memoryPolicy: { modes: [...memoryPolicyModes], flags: [...memoryPolicyFlags] },
        mountExtensions: { idmap: { enabled: true } },
        netDevices: { enabled: true },
      },
      potentiallyUnsafeConfigAnnotations: ['org.systemd.property.', 'org.criu.config'],
    });
    return 0;
  },
};
