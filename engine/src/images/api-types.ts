/** Images in the shapes of the Docker Engine API. */
import type { ImageExecutionConfig } from '#spec/oci/image';

/** An element of `GET /images/json`. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Seconds since 1970. */
  Created: number;
  /** Bytes of the unpacked layers. */
  Size: number;
  /** The same as Size. */
  VirtualSize: number;
  /** -1: not computed. */
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** Number of containers that use it. */
  Containers: number;
}

/** `GET /images/{name}/json`. */
export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  /** Of the container it was committed from. */
  Container: string;
  /** Of that container; an image that was pulled does not say. */
  ContainerConfig: InspectConfig;
  DockerVersion: string;
  Author: string;
  Config: InspectConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Size: number;
  VirtualSize: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: 'layers'; Layers?: string[] };
  Metadata: { LastTagTime: string };
}

/** An image's defaults for containers, with Go's zero values for what it does not set. */
export interface InspectConfig {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  ExposedPorts?: Record<string, object>;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  Env: string[] | null;
  Cmd: string[] | null;
  Healthcheck?: ImageExecutionConfig['Healthcheck'];
  ArgsEscaped?: boolean;
  Image: string;
  Volumes: Record<string, object> | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  OnBuild: string[] | null;
  Labels: Record<string, string> | null;
  StopSignal?: string;
  StopTimeout?: number;
  Shell?: string[];
}

/** An element of the answer to `DELETE /images/{name}`. */
export type RemovedImage = { Untagged: string } | { Deleted: string };
