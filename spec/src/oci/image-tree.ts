/**
 * Images as trees of blobs: an index names manifests, a manifest its config and layers. The labels by which the garbage
 * collector follows them and the names of ingests are containerd's own, so that its clients see the same image.
 */
import {
  isIndexType,
  isManifestType,
  parseIndex,
  parseManifest,
  type Descriptor,
  type Index,
  type Manifest,
} from './image.ts';
import { messageOf, StackError } from '../errors.ts';
import type { ImageReference } from '../reference.ts';

export type Labels = Readonly<Record<string, string>>;

/** On a layer: its diff ID. */
export const uncompressedLabel = 'containerd.io/uncompressed';

/** On a config: the snapshot that its layers make. */
export function snapshotLabel(snapshotter: string): string {
  return `containerd.io/gc.ref.snapshot.${snapshotter}`;
}

/** What a manifest keeps. */
export function manifestLabels({ config, layers }: Manifest): Labels {
  return Object.fromEntries([
    ['containerd.io/gc.ref.content.config', config.digest],
    ...layers.map(({ digest }, i) => [`containerd.io/gc.ref.content.l.${i}`, digest]),
  ]) as Labels; // fromEntries forgets what the pairs are
}

/** What an index keeps; platforms that are not stored do no harm. */
export function indexLabels({ manifests }: Index): Labels {
  return Object.fromEntries(
    manifests.map(({ digest }, i) => [`containerd.io/gc.ref.content.m.${i}`, digest]),
  );
}

/** Repositories that content is known to be in, for pushes that need not send what the registry has. */
export interface Source {
  /** Names the registry, without its port. */
  label: string;
  /** One of several in the label's value. */
  repository: string;
}

/** Where content came from that is pulled by this reference. */
export function sourceOf({ domain, path }: ImageReference): Source {
  const host = domain.replace(/:\d+$/, '');
  return { label: `containerd.io/distribution.source.${host}`, repository: path };
}

/** The label of `source` with its repository added to those that a blob has there already. */
export function sourceLabels(known: Labels, { label, repository }: Source): Labels {
  return { [label]: [...new Set([...repositoriesIn(known, label), repository])].sort().join(',') };
}

/** The repositories that the label named `label` lists. */
export function repositoriesIn(known: Labels, label: string): string[] {
  return (known[label] ?? '').split(',').filter((name) => name !== '');
}

/** Name of the ingest of a blob, and of the blob in progress messages. */
export function refOf({ mediaType, digest }: Descriptor): string {
  if (isIndexType(mediaType)) return `index-${digest}`;
  if (isManifestType(mediaType)) return `manifest-${digest}`;
  if (/layer|rootfs/.test(mediaType)) return `layer-${digest}`;
  if (mediaType.includes('config') || mediaType.includes('container.image')) {
    return `config-${digest}`;
  }
  return `unknown-${digest}`;
}

/** What a document names, and the labels that keep it; nothing for a blob that is no document. */
export interface ImageNode {
  children: readonly Descriptor[];
  labels: Labels;
}

/** Throws data_loss for content that is not what its media type says. */
export function nodeOf({ mediaType, digest }: Descriptor, content: Buffer): ImageNode {
  if (isIndexType(mediaType)) {
    const index = parseIndex(parseDocument(content, digest));
    return { children: index.manifests, labels: indexLabels(index) };
  }
  if (isManifestType(mediaType)) {
    const manifest = parseManifest(parseDocument(content, digest));
    return { children: [manifest.config, ...manifest.layers], labels: manifestLabels(manifest) };
  }
  return { children: [], labels: {} };
}

/** Throws data_loss for what is not JSON. */
export function parseDocument(content: Buffer, digest: string): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (error) {
    const message = `${digest} is not JSON: ${messageOf(error)}`;
    throw new StackError('data_loss', message, { cause: error });
  }
}
