/** Labels: what may be one, and how an Update with a field mask changes them. */
import { StackError } from '#spec/errors';
import type { Labels } from './metadata-store.ts';

/** Key and value together, in bytes. */
const maxLabelBytes = 4096;

/** Throws invalid_argument for a label that containerd would refuse. */
export function validateLabels(labels: Labels): void {
  for (const [key, value] of Object.entries(labels)) {
    if (Buffer.byteLength(key) + Buffer.byteLength(value) > maxLabelBytes) {
      throw new StackError(
        'invalid_argument',
        `label "${key.slice(0, 64)}": key and value have more than ${maxLabelBytes} bytes`,
      );
    }
  }
}

/** `labels` without those set to nothing: containerd removes a label by giving it the empty value. */
export function withoutEmpty(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

/**
 * The labels after an update of the one path `labels` (all are replaced) or `labels.<key>` (this one is set, and
 * removed by an empty value). Undefined if `path` is about something else.
 */
export function updateLabels(current: Labels, update: Labels, path: string): Labels | undefined {
  if (path === 'labels') return withoutEmpty(update);
  if (!path.startsWith('labels.')) return undefined;
  const key = path.slice('labels.'.length);
  return withoutEmpty({ ...current, [key]: update[key] ?? '' });
}

/** For objects of which labels are all that can change. An empty mask replaces them all. */
export function updateOnlyLabels(
  current: Labels,
  update: Labels,
  paths: readonly string[],
  what: string,
): Labels {
  validateLabels(update);
  let labels = current;
  for (const path of paths.length === 0 ? ['labels'] : paths) {
    const changed = updateLabels(labels, update, path);
    if (!changed) {
      throw new StackError('invalid_argument', `cannot update field "${path}" of ${what}`);
    }
    labels = changed;
  }
  return labels;
}
