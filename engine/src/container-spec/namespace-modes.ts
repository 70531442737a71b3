/** `IpcMode`, `PidMode` and their kin: which namespaces a container makes, shares with others, or does without. */
import type { Namespace } from '#spec/oci/linux';
import { StackError } from '#spec/errors';
import type { HostConfig } from '../api/host-config.ts';

const containerPrefix = 'container:';

/** The container whose namespace `mode` shares, by id or name; undefined for other modes. */
export function sharedContainer(mode: string): string | undefined {
  return mode.startsWith(containerPrefix) ? mode.slice(containerPrefix.length) : undefined;
}

/** The mode that shares the namespace of the container `id`. */
export function sharedWith(id: string): string {
  return `${containerPrefix}${id}`;
}

/** Throws invalid_argument, in docker's words, for a mode that there is not. */
export function checkNamespaceModes(hostConfig: HostConfig): void {
  const { IpcMode, PidMode, UTSMode, CgroupnsMode, UsernsMode, Isolation } = hostConfig;
  const shares = (mode: string): boolean => (sharedContainer(mode) ?? '') !== '';
  const modes: [kind: string, mode: string, valid: boolean][] = [
    [
      'IPC mode',
      IpcMode,
      ['private', 'shareable', 'none', 'host'].includes(IpcMode) || shares(IpcMode),
    ],
    ['PID mode', PidMode, ['', 'host'].includes(PidMode) || shares(PidMode)],
    ['UTS mode', UTSMode, ['', 'host'].includes(UTSMode)],
    ['cgroup namespace mode', CgroupnsMode, ['host', 'private'].includes(CgroupnsMode)],
    ['user namespace mode', UsernsMode, ['', 'host'].includes(UsernsMode)],
    ['isolation', Isolation, ['', 'default'].includes(Isolation)],
  ];
  for (const [kind, mode, valid] of modes) {
    if (!valid) throw new StackError('invalid_argument', `invalid ${kind}: ${mode}`);
  }
}

/** Paths of the namespaces that a container joins. */
export interface JoinedNamespaces {
  /** Undefined for the host's. */
  readonly network: string | undefined;
  /** Present when the mode names a container. */
  readonly ipc?: string;
  readonly pid?: string;
  /** Present unless it has the host's. */
  readonly user?: string;
}

/** What config.json lists: a namespace that is absent is the host's. */
export function namespaces(hostConfig: HostConfig, joined: JoinedNamespaces): Namespace[] {
  const { PidMode, IpcMode, UTSMode, CgroupnsMode } = hostConfig;
  const own = (type: Namespace['type'], path?: string): Namespace => ({
    type,
    ...(path !== undefined && { path }),
  });
  return [
    own('mount'),
    ...(joined.user === undefined ? [] : [own('user', joined.user)]),
    ...(joined.network === undefined ? [] : [own('network', joined.network)]),
    ...(UTSMode === 'host' ? [] : [own('uts')]),
    ...(PidMode === 'host' ? [] : [own('pid', joined.pid)]),
    ...(IpcMode === 'host' ? [] : [own('ipc', joined.ipc)]),
    ...(CgroupnsMode === 'private' ? [own('cgroup')] : []),
  ];
}
