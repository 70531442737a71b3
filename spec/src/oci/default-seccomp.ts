/**
 * Docker's default seccomp profile as a function of what a container may do: a system call that needs a capability
 * is allowed to those who have it, everything else that is not listed is refused with EPERM. The facts are those of
 * moby/profiles (2026).
 */
import { allowedCalls, allowedSocketFamilies } from './default-seccomp-calls.ts';
import type { Seccomp, SeccompArchitecture, SeccompArgument, SeccompRule } from './seccomp.ts';

/** Calls that a capability unlocks. Those which several unlock stand under each. */
const callsByCapability: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

const architectures = {
  x64: {
    names: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    calls: 'arch_prctl modify_ldt',
  },
  arm64: {
    names: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
    calls: 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls',
  },
} as const satisfies Record<string, { names: readonly SeccompArchitecture[]; calls: string }>;

/** Execution domains that personality(2) may set: Linux, with and without UNAME26 and ADDR_NO_RANDOMIZE; or ask. */
const personalities = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** CLONE_NEW* for every namespace that clone(2) can make. */
const CLONE_NEW_NAMESPACES = 0x7e02_0000;
const ENOSYS = 38;

/** The profile for a container with `capabilities` (names with `CAP_`) on a host of `architecture`. */
export function defaultSeccompProfile(
  capabilities: readonly string[],
  architecture: keyof typeof architectures,
): Seccomp {
  const held = new Set(capabilities);
  const { names, calls } = architectures[architecture];
  const unlocked = Object.entries(callsByCapability)
    .filter(([capability]) => held.has(capability))
    .flatMap(([, list]) => words(list));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: [...names],
    syscalls: [
      allow([...words(allowedCalls), ...words(calls), ...new Set(unlocked)]),
      ...socketRules(),
      ...personalities.map((value) =>
        allow(['personality'], { index: 0, value, op: 'SCMP_CMP_EQ' }),
      ),
      ...(held.has('CAP_SYS_ADMIN') ? [] : cloneRules()),
    ],
  };
}

function socketRules(): SeccompRule[] {
  const { below, others } = allowedSocketFamilies;
  return [
    allow(['socket'], { index: 0, value: below, op: 'SCMP_CMP_LT' }),
    ...others.map((value) => allow(['socket'], { index: 0, value, op: 'SCMP_CMP_EQ' })),
  ];
}

/** clone without new namespaces; clone3 hides its flags behind a pointer, so glibc is told to use clone. */
function cloneRules(): SeccompRule[] {
  return [
    allow(['clone'], {
      index: 0,
      value: CLONE_NEW_NAMESPACES,
      valueTwo: 0,
      op: 'SCMP_CMP_MASKED_EQ',
    }),
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

function allow(names: string[], ...args: SeccompArgument[]): SeccompRule {
  return { names, action: 'SCMP_ACT_ALLOW', ...(args.length > 0 && { args }) };
}

function words(list: string): string[] {
  return list.split(/\s+/);
}
