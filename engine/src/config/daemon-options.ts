/** What engined can be told: one row per option, by the names that dockerd has for it on the command line and in daemon.json. */
import {
  addressPoolsFromFile,
  featuresFromFile,
  logOptionsFromFile,
  runtimesFromFile,
  sizeFromFile,
  ulimitsFromFile,
} from './file-values.ts';

/** How often an option may be given, and what its values look like. */
export type OptionKind = 'text' | 'boolean' | 'integer' | 'list';

export interface DaemonOption {
  /** `--flag`. */
  flag: string;
  /** `-F`. */
  short?: string;
  kind: OptionKind;
  /** What `--help` calls the value. */
  value?: string;
  description: string;
  /** Its key in the config file, where that is not the flag's name; null for what only the command line can say. */
  key?: string | null;
  /** Values of the file that are not plain text, as the command line would give them. Throws invalid_argument. */
  fromFile?: (value: unknown) => string[];
  /** Whether the file adds to the flags rather than contradicting them (docker's `runtimes`). */
  merges?: boolean;
  /** Whether a reload (SIGHUP) applies it; everything else waits for the next start. */
  reloadable?: boolean;
}

// prettier-ignore
export const daemonOptions: readonly DaemonOption[] = [
  { flag: 'add-runtime', kind: 'list', value: 'name=path', description: 'Register an additional OCI compatible runtime', key: 'runtimes', fromFile: runtimesFromFile, merges: true, reloadable: true },
  { flag: 'bip', kind: 'text', value: 'address/length', description: 'IPv4 address of the default bridge' },
  { flag: 'bridge', short: 'b', kind: 'text', value: 'name', description: 'Attach containers to this network bridge; "none" for no default bridge' },
  { flag: 'cgroup-parent', kind: 'text', value: 'path', description: 'Parent cgroup of all containers (default "/engine")' },
  { flag: 'config-file', kind: 'text', value: 'file', description: 'Daemon configuration file (default "/etc/engine/daemon.json")', key: null },
  { flag: 'containerd', kind: 'text', value: 'socket', description: 'Use this containerd instead of starting one' },
  { flag: 'containerd-namespace', kind: 'text', value: 'name', description: 'Namespace in containerd (default "engine")' },
  { flag: 'data-root', kind: 'text', value: 'folder', description: 'What survives a reboot (default "/var/lib/engine")' },
  { flag: 'debug', short: 'D', kind: 'boolean', description: 'Enable debug mode', reloadable: true },
  { flag: 'default-address-pool', kind: 'list', value: 'base=…,size=…', description: 'Subnets that networks choose from', key: 'default-address-pools', fromFile: addressPoolsFromFile },
  { flag: 'default-cgroupns-mode', kind: 'text', value: 'host|private', description: 'Default mode of containers for their cgroup namespace', reloadable: true },
  { flag: 'default-ipc-mode', kind: 'text', value: 'shareable|private', description: 'Default mode of containers for IPC (default "private")', reloadable: true },
  { flag: 'default-runtime', kind: 'text', value: 'name', description: 'Runtime of containers that name none', reloadable: true },
  { flag: 'default-shm-size', kind: 'text', value: 'bytes', description: 'Default size of /dev/shm of containers (default 64MiB)', fromFile: sizeFromFile, reloadable: true },
  { flag: 'default-ulimit', kind: 'list', value: 'name=soft:hard', description: 'Default ulimits of containers', key: 'default-ulimits', fromFile: ulimitsFromFile },
  { flag: 'exec-opt', kind: 'list', value: 'key=value', description: 'Runtime execution options: native.cgroupdriver=cgroupfs', key: 'exec-opts' },
  { flag: 'exec-root', kind: 'text', value: 'folder', description: 'What belongs to this boot (default "/run/engine")' },
  { flag: 'feature', kind: 'list', value: 'name=bool', description: 'Enable a feature in the daemon', key: 'features', fromFile: featuresFromFile, reloadable: true },
  { flag: 'firewall-integration', kind: 'text', value: 'on|off', description: 'Let our bridges through the filters of others' },
  { flag: 'fixed-cidr', kind: 'text', value: 'subnet', description: 'Part of the default bridge\'s subnet that addresses are taken from; needs --bip' },
  { flag: 'fixed-cidr-v6', kind: 'text', value: 'subnet', description: 'IPv6 subnet of the default bridge; needs --ipv6' },
  { flag: 'group', short: 'G', kind: 'text', value: 'name', description: 'Group of the unix socket (default "engine", where it exists)' },
  { flag: 'help', short: 'h', kind: 'boolean', description: 'Print usage', key: null },
  { flag: 'host', short: 'H', kind: 'list', value: 'address', description: 'Listen here: unix:///path, tcp://address:port or fd:// (default unix:///run/engine/engine.sock)', key: 'hosts' },
  { flag: 'host-gateway-ip', kind: 'list', value: 'address', description: 'What host-gateway of --add-host stands for (default: the addresses of the default bridge)', key: 'host-gateway-ips' },
  { flag: 'icc', kind: 'boolean', description: 'Containers on the default bridge reach each other (default true)' },
  { flag: 'init', kind: 'boolean', description: 'Run an init in containers to forward signals and reap processes' },
  { flag: 'insecure-registry', kind: 'list', value: 'host', description: 'Registry without TLS, or with a certificate that nobody vouches for', key: 'insecure-registries', reloadable: true },
  { flag: 'ip', kind: 'text', value: 'address', description: 'Publish ports that name no address here (default "0.0.0.0")' },
  { flag: 'ip-masq', kind: 'boolean', description: 'Packets of the default bridge leave under the address of this machine (default true)' },
  { flag: 'ipv6', kind: 'boolean', description: 'The default bridge has IPv6' },
  { flag: 'label', kind: 'list', value: 'key=value', description: 'Label of this engine', key: 'labels', reloadable: true },
  { flag: 'live-restore', kind: 'boolean', description: 'Containers survive the engine (always so)', reloadable: true },
  { flag: 'log-driver', kind: 'text', value: 'name', description: 'Log driver of containers that choose none (default "json-file")' },
  { flag: 'log-format', kind: 'text', value: 'json|text', description: 'Format of the log (default "json")' },
  { flag: 'log-level', short: 'l', kind: 'text', value: 'level', description: 'Least important record: debug, info, warn, error or fatal (default "info")' },
  { flag: 'log-opt', kind: 'list', value: 'name=value', description: 'Option of that log driver', key: 'log-opts', fromFile: logOptionsFromFile },
  { flag: 'max-concurrent-downloads', kind: 'integer', value: 'count', description: 'Layers that all pulls download at the same time, 0 for any number (default 3 for each pull)', reloadable: true },
  { flag: 'max-concurrent-uploads', kind: 'integer', value: 'count', description: 'Layers that all pushes send at the same time, 0 for any number (default 4 for each push)', reloadable: true },
  { flag: 'max-download-attempts', kind: 'integer', value: 'count', description: 'How often a download is tried (default 6)', reloadable: true },
  { flag: 'metrics-addr', kind: 'text', value: 'address:port', description: 'Serve metrics for Prometheus here' },
  { flag: 'mtu', kind: 'integer', value: 'bytes', description: 'MTU of the default bridge' },
  { flag: 'no-new-privileges', kind: 'boolean', description: 'Set no-new-privileges by default for new containers' },
  { flag: 'oom-score-adjust', kind: 'integer', value: 'score', description: 'Score of this process for the kernel that is out of memory, -1000 to 1000' },
  { flag: 'pidfile', short: 'p', kind: 'text', value: 'file', description: 'Write the process id here' },
  { flag: 'registry-mirror', kind: 'list', value: 'url', description: 'Preferred mirror of Docker Hub', key: 'registry-mirrors', reloadable: true },
  { flag: 'seccomp-profile', kind: 'text', value: 'file', description: 'Seccomp profile of containers, "builtin" or "unconfined" (default "builtin")' },
  { flag: 'shutdown-timeout', kind: 'integer', value: 'seconds', description: 'How long stopping may take, -1 for as long as it needs (default 15)', reloadable: true },
  { flag: 'storage-driver', short: 's', kind: 'text', value: 'name', description: 'Snapshotter (default "overlayfs")' },
  { flag: 'tls', kind: 'boolean', description: 'Use TLS; implied by --tlsverify' },
  { flag: 'tlscacert', kind: 'text', value: 'file', description: 'Trust clients whose certificates this authority signed (default "/etc/engine/ca.pem")' },
  { flag: 'tlscert', kind: 'text', value: 'file', description: 'Certificate of this engine (default "/etc/engine/cert.pem")' },
  { flag: 'tlskey', kind: 'text', value: 'file', description: 'Key of this engine (default "/etc/engine/key.pem")' },
  { flag: 'tlsverify', kind: 'boolean', description: 'Use TLS and verify the client (default with --tls)' },
  { flag: 'userns-remap', kind: 'text', value: 'user[:group]', description: 'Ids of containers are subordinate ids of this user; "default" makes one' },
  { flag: 'validate', kind: 'boolean', description: 'Validate the configuration and exit', key: null },
  { flag: 'version', short: 'v', kind: 'boolean', description: 'Print version information and quit', key: null },
];

/** Key of an option in the config file; undefined for what only the command line can say. */
export function fileKey({ flag, key }: DaemonOption): string | undefined {
  return key === null ? undefined : (key ?? flag);
}

/** dockerd's flags that are not built, by name. Given, they are refused: silence would promise what does not hold. */
// prettier-ignore
export const notBuilt: readonly string[] = [
  'add-nri', 'allow-direct-routing', 'allow-nondistributable-artifacts', 'api-cors-header', 'authorization-plugin',
  'bip6', 'bridge-accept-fwmark', 'cdi-spec-dir', 'cluster-advertise', 'cluster-store', 'cluster-store-opt',
  'containerd-plugins-namespace', 'cpu-rt-period', 'cpu-rt-runtime', 'cri-containerd', 'default-gateway',
  'default-gateway-v6', 'default-network-opt', 'dns', 'dns-opt', 'dns-search', 'experimental', 'firewall-backend',
  'http-proxy', 'https-proxy', 'init-path', 'ip-forward', 'ip-forward-no-drop', 'ip6tables', 'iptables',
  'network-control-plane-mtu', 'no-proxy', 'node-generic-resource',
  'raw-logs', 'rootless', 'selinux-enabled', 'storage-opt',
  'swarm-default-advertise-addr', 'userland-proxy',
  'userland-proxy-path',
];

/** The keys of daemon.json that stand for {@link notBuilt}, where they differ, and those that no flag stands for. */
// prettier-ignore
export const notBuiltKeys: readonly string[] = [
  'authorization-plugins', 'builder', 'cdi-spec-dirs', 'cluster-store-opts', 'default-network-opts', 'dns-opts',
  'min-api-version', 'network-diagnostic-port',
  'node-generic-resources', 'nri-opts', 'storage-opts', 'deprecated-key-path',
];
