/** What a program is compiled from, besides config.json: options of the command line and facts of the host. */
import type { RuntimeConfig } from '#spec/oci/runtime-config';

/** A cgroup that the container's process joins. */
export interface CgroupPlacement {
  /** A file of each hierarchy of cgroup v1 to which the process itself writes "0" (lib/cgroup/processes.ts). */
  readonly joinFiles: readonly string[];
  /** The directory on cgroup v2, also that of a hybrid layout: joined by clone3. */
  readonly directory?: string;
  /** What a mount of type `cgroup` shows. */
  readonly mounts: readonly CgroupMount[];
}

/** One hierarchy as it appears under a mount of type `cgroup`. */
export interface CgroupMount {
  /** Directory name under the mount, `memory`; empty for the one hierarchy of cgroup v2. */
  readonly name: string;
  /** The container's directory on the host. */
  readonly directory: string;
  /** Further names of it (`cpu` for `cpu,cpuacct`). */
  readonly aliases: readonly string[];
  /** Mount options of the hierarchy: `memory`, or `none,name=systemd`. */
  readonly options: readonly string[];
}

export type SecurityModule = 'apparmor' | 'selinux';

export type SourceKind = 'directory' | 'host root' | 'file';

/** What was found out about the host before compiling. Nothing here comes from the container's root. */
export interface HostFacts {
  /** Whether mounts of the host may be cloned directly: root, and not in a user namespace of its own. */
  readonly privileged: boolean;
  /** Numbers of the capabilities in the caller's bounding set. */
  readonly capabilities: ReadonlySet<number>;
  /** /proc/sys/kernel/cap_last_cap. */
  readonly lastCapability: number;
  /** Kinds of the bind mounts' sources by path. */
  readonly sources: ReadonlyMap<string, SourceKind>;
  /** Whether device nodes can be made; without it those of the host are bound. */
  readonly mayMakeDevices: boolean;
  /** Those that enforce labels here. */
  readonly securityModules: ReadonlySet<SecurityModule>;
  readonly cgroup: CgroupPlacement;
  /** Whether /proc/kcore exists (then /dev/core points to it). */
  readonly hasKcore: boolean;
}

/** Where the master of the container's terminal goes. */
export type ConsoleTarget = { readonly socketPath: string } | { readonly descriptor: 'console' };

export interface CompileInput {
  readonly config: RuntimeConfig;
  readonly id: string;
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  readonly facts: HostFacts;
  /** Absolute path of the exec fifo; without it the program executes at once (`run`). */
  readonly fifo?: string;
  readonly console?: ConsoleTarget;
  /** An empty directory of the runtime's: where the root is attached when the container has no mount namespace. */
  readonly rootMount: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly preservedDescriptors: number;
  /** RLIMIT_NOFILE as it was before Node changed it. */
  readonly openFiles?: OpenFileLimit;
  /** HOME for a process that has none in its environment. */
  readonly home: string;
  /** The compiled filter, when config.json has one. */
  readonly seccomp?: SeccompProgram;
}

export interface OpenFileLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** struct sock_fprog's content and the flags of seccomp(2). */
export interface SeccompProgram {
  /** Array of struct sock_filter. */
  readonly filter: Uint8Array;
  readonly flags: number;
  /** The call returns a listener, which goes to `linux.seccomp.listenerPath`. */
  readonly notify: boolean;
}
