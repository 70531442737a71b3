/** IPC and process namespaces that containers share with one another, and the /dev/shm that goes with the former. */
import { isStackError, StackError } from '#spec/errors';
import type { HostConfig } from '../api/host-config.ts';
import { sharedContainer, sharedWith } from '../container-spec/namespace-modes.ts';
import type { Container, ContainerRecord } from './container.ts';
import type { Engine } from './engine.ts';
import { sharedMemoryFolder } from './private-mounts.ts';

/** Ids for the names in a new container's modes: names may change. Throws not_found for a name that nobody has. */
export function resolveSharedModes(
  { containers }: Pick<Engine, 'containers'>,
  hostConfig: HostConfig,
): void {
  for (const field of ['IpcMode', 'PidMode'] as const) {
    const reference = sharedContainer(hostConfig[field]);
    if (reference !== undefined) hostConfig[field] = sharedWith(containers.get(reference).id);
  }
}

/** What a container that starts joins of others'. */
export interface SharedNamespaces {
  /** Paths of namespaces; present when the mode names a container. */
  ipc?: string;
  pid?: string;
  /** The folder of the host that is its /dev/shm; absent when that is its own. */
  sharedMemory?: string;
}

/**
 * Throws conflict or invalid_argument, in docker's words, when a container that is to share a namespace does not run
 * or keeps it for itself.
 */
export function sharedNamespaces(engine: Engine, record: ContainerRecord): SharedNamespaces {
  const { IpcMode: ipcMode, PidMode: pidMode } = record.hostConfig;
  const [ipc, pid] = [sharedContainer(ipcMode), sharedContainer(pidMode)];
  const memory = sharedMemory(engine, record);
  return {
    ...(ipc !== undefined && { ipc: namespacePath(engine, 'IPC', ipc, 'ipc') }),
    ...(pid !== undefined && { pid: namespacePath(engine, 'PID', pid, 'pid') }),
    ...(memory !== undefined && { sharedMemory: memory }),
  };
}

/** Namespaces for a spec that is compiled to be checked, not to be run. */
export function placeholderNamespaces({ hostConfig }: ContainerRecord): SharedNamespaces {
  const { IpcMode: ipcMode, PidMode: pidMode } = hostConfig;
  return {
    ...(sharedContainer(ipcMode) !== undefined && { ipc: '/proc/self/ns/ipc' }),
    ...(sharedContainer(pidMode) !== undefined && { pid: '/proc/self/ns/pid' }),
    ...(ipcMode !== 'private' && ipcMode !== 'none' && { sharedMemory: '/dev/shm' }),
  };
}

function namespacePath(engine: Engine, kind: string, reference: string, file: string): string {
  return `/proc/${providerOf(engine, kind, reference).state.pid}/ns/${file}`;
}

/** Whether a container's /dev/shm is made for it on the host, for others to bind. */
export function lendsSharedMemory({ hostConfig, mounts }: ContainerRecord): boolean {
  return (
    hostConfig.IpcMode === 'shareable' &&
    !mounts.some(({ destination }) => destination === '/dev/shm') &&
    hostConfig.Tmpfs?.['/dev/shm'] === undefined
  );
}

function sharedMemory(engine: Engine, record: ContainerRecord): string | undefined {
  const { IpcMode: mode } = record.hostConfig;
  if (mode === 'host') return '/dev/shm';
  if (mode === 'shareable') {
    return lendsSharedMemory(record) ? sharedMemoryFolder(engine.paths, record.id) : undefined;
  }
  const reference = sharedContainer(mode);
  if (reference === undefined) return undefined;
  const provider = providerOf(engine, 'IPC', reference);
  const lent = sharedMemory(engine, provider.record);
  if (lent !== undefined) return lent;
  throw new StackError(
    'invalid_argument',
    `failed to join IPC namespace: container ${provider.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  );
}

function providerOf({ containers }: Engine, kind: string, reference: string): Container {
  const failure = `failed to join ${kind} namespace`;
  let provider: Container;
  try {
    provider = containers.get(reference);
  } catch (error) {
    if (!isStackError(error)) throw error;
    throw new StackError('invalid_argument', `${failure}: ${error.message}`, { cause: error });
  }
  if (!provider.isRunning) {
    throw new StackError('conflict', `${failure}: container ${reference} is not running`);
  }
  return provider;
}
