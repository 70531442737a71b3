/**
 * Labels by which containerd's garbage collector follows an image: from its manifest to its config and layers, from its
 * config to the snapshots. The names are containerd's own (docs/garbage-collection.md there), so that ctr and dockerd
 * see the same image.
 */
import type { Index, Manifest } from '#spec/oci/image';
import type { ImageReference } from '#spec/reference';

export type Labels = Readonly<Record<string, string>>;

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

/** On a config: the snapshot that its layers make. */
export function snapshotLabel(snapshotter: string): string {
  return `containerd.io/gc.ref.snapshot.${snapshotter}`;
}

/** On a layer: its diff ID. */
export const uncompressedLabel = 'containerd.io/uncompressed';

/** On all content: where it came from, for pushes that need not send what the registry has. */
export function sourceLabels({ domain, path }: ImageReference): Labels {
  return { [`containerd.io/distribution.source.${domain}`]: path };
}
