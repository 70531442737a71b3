/** The labels by which objects keep one another from the garbage collector. */
import type { Labels } from '../metadata/metadata-store.ts';

export const rootLabel = 'containerd.io/gc.root';
/** On a lease: what it holds is kept, but not what that refers to by labels. */
export const flatLabel = 'containerd.io/gc.flat';

/** An object of a namespace: `content <digest>`, `snapshot <snapshotter>/<key>`, `image <name>`, `container <id>`. */
export type Node = `${'content' | 'snapshot' | 'image' | 'container' | 'ingest'} ${string}`;

/** Objects that an object with these labels keeps. */
export function forwardReferences(labels: Labels): Node[] {
  return references(labels, 'containerd.io/gc.ref.');
}

/** Objects that keep an object with these labels. */
export function backReferences(labels: Labels): Node[] {
  return references(labels, 'containerd.io/gc.bref.');
}

function references(labels: Labels, prefix: string): Node[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (!key.startsWith(prefix) || value === '') return [];
    const [, kind, rest = ''] = /^([a-z]+)(.*)$/s.exec(key.slice(prefix.length)) ?? [];
    if (kind === 'snapshot') {
      // The snapshotter's name, then whatever makes the label unique behind a slash.
      const snapshotter = rest.slice(1).split('/', 1)[0] ?? '';
      return rest.startsWith('.') && snapshotter !== ''
        ? [`snapshot ${snapshotter}/${value}` as const]
        : [];
    }
    // Behind a dot or a slash stands whatever makes the label unique.
    if (rest !== '' && !/^[./]/.test(rest)) return [];
    if (kind === 'content' || kind === 'image' || kind === 'container') {
      return [`${kind} ${value}` as const];
    }
    return [];
  });
}
