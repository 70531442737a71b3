/** What engined asks of a thread that works on the files of a container, and what it answers. */
import type { IdMaps, Owner } from '../userns/id-map.ts';
import type { SnapshotMount } from '../container-spec/root-files.ts';

/** Where the thread finds the root of a container. */
export type RootView =
  /** As its processes see it, with all that is mounted there. */
  | { readonly kind: 'process'; readonly pid: number }
  /** Mounted by the thread, in a mount namespace of its own that ends with it. */
  | {
      readonly kind: 'mounts';
      readonly mounts: readonly SnapshotMount[];
      /** Look only: then the root may be in use elsewhere at the same time. */
      readonly readonly: boolean;
      /** What the container mounts into its root. */
      readonly binds: readonly BoundPath[];
      /** An empty folder to mount the root on. */
      readonly folder: string;
    };

export interface BoundPath {
  readonly source: string;
  /** What of the source is bound; links in it may not lead out of it. */
  readonly subpath?: string;
  readonly destination: string;
  readonly writable: boolean;
}

/** One thing to do with a root. Owners in archives are those that the container knows by `ids`. Paths are the container's own; links are followed inside its root only. */
export type RootJob =
  /** What stands at `path`, a link itself. */
  | { readonly kind: 'stat'; readonly path: string }
  /** `path` with all below it as an archive, under its own last name; written to `output`. */
  | {
      readonly kind: 'archive';
      readonly path: string;
      readonly output: number;
      readonly ids?: IdMaps;
    }
  /** The whole root as an archive, written to `output`. */
  | { readonly kind: 'export'; readonly output: number; readonly ids?: IdMaps }
  /** An archive read from `input`, unpacked into the directory `path`. */
  | {
      readonly kind: 'extract';
      readonly path: string;
      readonly input: number;
      /** Refuse to put a directory where something else is, and the other way round. */
      readonly keepKinds: boolean;
      /** Give everything to this user instead of the archive's. */
      readonly owner?: Owner;
      readonly ids?: IdMaps;
    }
  /** What the upper directory changes in the root, which is what lies below it. */
  | {
      readonly kind: 'changes';
      readonly upper: string;
      /** Where the container mounts something: what was made there to mount on, empty, is no change of its own. */
      readonly mountPoints: readonly string[];
    }
  /** Everything in the directory `path` into the empty folder `target` of the host, its owner and mode as well. */
  | { readonly kind: 'copy'; readonly path: string; readonly target: string };

export interface RootTask {
  readonly view: RootView;
  readonly job: RootJob;
}

/** One line of `docker diff`. */
export interface PathChange {
  readonly path: string;
  readonly kind: 'modified' | 'added' | 'deleted';
}

/** docker's ContainerPathStat. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Type and permissions as stat(2) has them. */
  readonly mode: number;
  /** RFC 3339. */
  readonly mtime: string;
  readonly linkTarget: string;
}
