/** Finds everything in a namespace that must be kept. */
import type { Labels, MetadataStore } from '../metadata/metadata-store.ts';
import { isExpired } from '../leases/leases.ts';
import {
  backReferences,
  flatLabel,
  forwardReferences,
  rootLabel,
  type Node,
} from './references.ts';

/**
 * Roots are leases, images, containers, and what carries `containerd.io/gc.root`; from there references by label, a
 * snapshot's parents, an ingest's expected blob. Returns what was reached.
 */
export function markReferenced(
  metadata: MetadataStore,
  namespace: string,
  nowMs: number,
): ReadonlySet<Node> {
  const graph = readGraph(metadata, namespace);
  const kept = new Set<Node>();
  const expanded = new Set<Node>();
  const visit = (start: Node) => {
    for (const queue = [start]; queue.length > 0;) {
      const node = queue.pop();
      if (node === undefined || expanded.has(node)) continue;
      expanded.add(node);
      kept.add(node);
      queue.push(...(graph.get(node) ?? []));
    }
  };
  for (const root of rootsOf(metadata, namespace, nowMs)) visit(root);
  for (const { value } of metadata.leases.list(namespace)) {
    if (isExpired(value.labels, nowMs)) continue;
    for (const { type, id } of value.resources) {
      const node = leasedNode(type, id);
      if (node === undefined) continue;
      if (flatLabel in value.labels && !node.startsWith('snapshot ')) kept.add(node);
      else visit(node);
    }
  }
  for (const { name, value } of metadata.ingests.list(namespace)) {
    if ((value.expiresAtMs ?? 0) > nowMs) visit(`ingest ${name}`);
  }
  return kept;
}

/** What each object keeps. */
function readGraph(metadata: MetadataStore, namespace: string): Map<Node, Node[]> {
  const graph = new Map<Node, Node[]>();
  const add = (node: Node, labels: Labels, ...others: Node[]) => {
    graph.set(node, [...(graph.get(node) ?? []), ...forwardReferences(labels), ...others]);
    for (const from of backReferences(labels)) graph.set(from, [...(graph.get(from) ?? []), node]);
  };
  for (const { name, value } of metadata.content.list(namespace)) {
    add(`content ${name}`, value.labels);
  }
  for (const { name, value } of metadata.snapshots.list(namespace)) {
    const snapshotter = name.slice(0, name.indexOf('/'));
    const parents: Node[] = value.parent === '' ? [] : [`snapshot ${snapshotter}/${value.parent}`];
    add(`snapshot ${name}`, value.labels, ...parents);
  }
  for (const { name, value } of metadata.images.list(namespace)) {
    add(`image ${name}`, value.labels, `content ${value.target?.digest ?? ''}`);
  }
  for (const { name, value } of metadata.containers.list(namespace)) {
    const rootfs: Node[] =
      value.snapshotKey === '' ? [] : [`snapshot ${value.snapshotter}/${value.snapshotKey}`];
    add(`container ${name}`, value.labels, ...rootfs);
  }
  for (const { name, value } of metadata.ingests.list(namespace)) {
    add(
      `ingest ${name}`,
      {},
      ...(value.expected === '' ? [] : [`content ${value.expected}` as Node]),
    );
  }
  return graph;
}

function rootsOf(metadata: MetadataStore, namespace: string, nowMs: number): Node[] {
  const isRoot = ({ value }: { value: { labels: Labels } }) => rootLabel in value.labels;
  return [
    // An expired image stays as long as something refers to it.
    ...metadata.images
      .list(namespace)
      .filter(({ value }) => !isExpired(value.labels, nowMs))
      .map(({ name }): Node => `image ${name}`),
    ...metadata.containers.list(namespace).map(({ name }): Node => `container ${name}`),
    ...metadata.content
      .list(namespace)
      .filter(isRoot)
      .map(({ name }): Node => `content ${name}`),
    ...metadata.snapshots
      .list(namespace)
      .filter(isRoot)
      .map(({ name }): Node => `snapshot ${name}`),
  ];
}

function leasedNode(type: string, id: string): Node | undefined {
  if (type === 'content') return `content ${id}`;
  if (type === 'ingests') return `ingest ${id}`;
  if (type === 'images') return `image ${id}`;
  if (type.startsWith('snapshots/')) return `snapshot ${type.slice('snapshots/'.length)}/${id}`;
  return undefined;
}
