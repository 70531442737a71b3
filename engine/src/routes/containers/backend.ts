/** What the container routes need of the daemon. */
import type { Platform } from '#spec/oci/image';
import type { ContainerConfig } from '../../api/container-config.ts';
import type { Readable } from 'node:stream';
import type { CommitOptions } from '../../daemon/commit-container.ts';
import type { ExtractOptions } from '../../daemon/container-files.ts';
import type { PathChange, PathStat } from '../../rootfs/protocol.ts';
import type { ArchiveStream } from '../../rootfs/root-thread.ts';
import type { HostConfig } from '../../api/host-config.ts';
import type { StatsOptions } from '../../daemon/container-stats.ts';
import type { EndpointWishes } from '../../daemon/container-endpoints.ts';
import type { ApiVersion } from '../../http/api-version.ts';
import type { HijackedConnection } from '../../http/hijack.ts';
import type { Filters } from '../../http/query.ts';

export interface CreateBody {
  name: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  endpoints: EndpointWishes;
  /** Whether read-only mounts leave mounts below them writable unless they say otherwise. */
  readOnlyNonRecursive: boolean;
  /** What the client is told besides what the create itself has to say. */
  warnings: string[];
  /** Which of an image's; undefined for what its name means here. */
  platform?: Platform | undefined;
}

export interface AttachQuery {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  stream: boolean;
  /** Replay what was logged. */
  logs: boolean;
  /** As in `docker attach --detach-keys`; empty is the default. */
  detachKeys: string;
  /** Whether output travels in frames unless there is a terminal; a WebSocket has messages of its own. */
  isFramed: boolean;
}

export interface LogsQuery {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  /** Whether labels, variables and the tag that log options chose precede each line. */
  details: boolean;
  /** Seconds since 1970, with a fraction; 0 is no bound. */
  since: string;
  until: string;
  /** Lines from the end; undefined is all. */
  tail: number | undefined;
  /** Whether lines may share a frame; else each has its own, as with docker. */
  joinLines: boolean;
}

/** A stop with docker's rules for what is not given. */
export interface StopQuery {
  signal: string;
  seconds: number | undefined;
}

/** How a wait ended. */
export interface WaitResult {
  exitCode: number;
  /** Why the container could not be removed or started; empty is none. */
  error: string;
}

/** Every method throws not_found for a container that does not exist. */
export interface ContainersBackend {
  create(body: CreateBody): Promise<{ id: string; warnings: string[] }>;
  list(
    options: { all: boolean; limit: number; size: boolean; filters: Filters },
    version: ApiVersion,
  ): unknown[];
  inspect(name: string): unknown;
  start(name: string): Promise<void>;
  stop(name: string, query: StopQuery): Promise<void>;
  restart(name: string, query: StopQuery): Promise<void>;
  kill(name: string, signal: string): Promise<void>;
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  rename(name: string, newName: string): Promise<void>;
  remove(name: string, options: { force: boolean; volumes: boolean }): Promise<void>;
  /** Takes away a name that a container has for another one: `/container/alias`. */
  removeLink(name: string): Promise<void>;
  update(name: string, changes: Partial<HostConfig>): Promise<string[]>;
  stats(name: string, options: StatsOptions, signal: AbortSignal): AsyncIterable<object>;
  /** What stands at a path of the container; a link itself. */
  statPath(name: string, path: string): Promise<PathStat>;
  archivePath(name: string, path: string): Promise<{ stat: PathStat; archive: ArchiveStream }>;
  extractArchive(name: string, archive: Readable, options: ExtractOptions): Promise<void>;
  exportRoot(name: string): Promise<ArchiveStream>;
  changes(name: string): Promise<PathChange[]>;
  /** Makes an image of a container; returns its id. */
  commit(name: string, options: CommitOptions): Promise<string>;
  prune(filters: Filters): Promise<{ ids: string[]; reclaimedBytes: number }>;
  resize(name: string, size: { height: number; width: number }): Promise<void>;
  top(name: string, psArguments: string): Promise<{ Titles: string[]; Processes: string[][] }>;
  /** Registers at once; the promise inside resolves when the condition (already checked) holds. */
  wait(name: string, condition: string, signal: AbortSignal): { result: Promise<WaitResult> };
  hasTerminal(name: string): boolean;
  /** Checks first, so that errors still have a status; `takeOver` makes the connection a stream. */
  attach(
    name: string,
    query: AttachQuery,
    takeOver: (tty: boolean) => Promise<HijackedConnection>,
  ): Promise<void>;
  /** Pieces of the answer's body, framed unless the container has a terminal. */
  logs(name: string, query: LogsQuery, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
}
