/** Images in the shapes of the newest Docker Engine API; older ones are made of these. */
import type { Descriptor, ImageExecutionConfig, Platform } from '#spec/oci/image';

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
  /** -1: not computed. */
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** Number of containers that use it. */
  Containers: number;
  /** What its name points to. */
  Descriptor: Descriptor;
  Manifests?: ManifestSummary[];
}

/** One of the manifests that an image's name leads to. */
export interface ManifestSummary {
  /** Digest of the manifest. */
  ID: string;
  Descriptor: Descriptor;
  /** Whether all that it names is stored. */
  Available: boolean;
  /** Bytes: of what is stored as content, and with the unpacked layers. */
  Size: { Content: number; Total: number };
  Kind: 'image' | 'attestation' | 'unknown';
  ImageData?: {
    Platform: Platform;
    Size: { Unpacked: number };
    /** Ids. */
    Containers: string[];
  };
  AttestationData?: { For: string };
}

/** `GET /images/{name}/json`. */
export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  /** Absent where the image does not say. */
  Created?: string;
  DockerVersion: string;
  Author: string;
  Config: ImageExecutionConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Size: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: 'layers'; Layers?: string[] };
  Metadata: { LastTagTime: string };
  /** What its name points to. */
  Descriptor: Descriptor;
  Manifests?: ManifestSummary[];
}

/** An element of the answer to `DELETE /images/{name}`. */
export type RemovedImage = { Untagged: string } | { Deleted: string };
