/** Which of containerd's objects are ours: several engines may share one containerd and one namespace. */
import type { EnginePaths } from './paths.ts';

/** containerd's label on everything of ours, so that what a crash left behind can be told from what is not ours. */
export const ownerLabel = 'engine.data-root';

/** The labels of what this engine creates. */
export function ownerLabels({ dataRoot }: EnginePaths): Record<string, string> {
  return { [ownerLabel]: dataRoot };
}

/** containerd's filter for what this engine has created. */
export function ownFilter({ dataRoot }: EnginePaths): string {
  return `labels."${ownerLabel}"==${JSON.stringify(dataRoot)}`;
}
