/** Where the daemon keeps what it owns. */
import path from 'node:path';

export interface EnginePaths {
  /** Survives a reboot: containers, logs, the engine's id. */
  dataRoot: string;
  /** Belongs to this boot: sockets, FIFOs, namespaces. */
  execRoot: string;
  /** A folder per container: record, log, files of its /etc. */
  containers: string;
  /** A folder per volume, with its files in `_data`. */
  volumes: string;
}

export function enginePaths(dataRoot: string, execRoot: string): EnginePaths {
  return {
    dataRoot,
    execRoot,
    containers: path.join(dataRoot, 'containers'),
    volumes: path.join(dataRoot, 'volumes'),
  };
}

/** Folder of the FIFOs of a container's task, or of one of its execs. */
export function stdioFolder(
  { execRoot }: EnginePaths,
  containerId: string,
  execId = 'init',
): string {
  return path.join(execRoot, 'stdio', containerId, execId);
}

/** Folder of the FIFOs of all processes of a container. */
export function stdioFolders({ execRoot }: EnginePaths, containerId: string): string {
  return path.join(execRoot, 'stdio', containerId);
}

/** docker's name for the log, which its users know. */
export function logFile({ containers }: EnginePaths, containerId: string): string {
  return path.join(containers, containerId, `${containerId}-json.log`);
}
