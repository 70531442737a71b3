/** Differences that are as they should be: between versions of dockerd, between two runs of one, and of ours from all. */
import type { EventEssence } from './essence.ts';

export interface AllowedDifference {
  readonly reason: string;
  /** Names of the steps that it is allowed in; all without it. */
  readonly steps?: readonly string[];
  /** The dockerd beside which it is allowed; each without it. */
  readonly beside?: '20.10';
  /** Takes it away, on both sides. */
  readonly apply: (events: readonly EventEssence[]) => readonly EventEssence[];
}

export const allowed: readonly AllowedDifference[] = [
  {
    reason: 'how long something ran, which dockerd tells since 23',
    apply: (events) => events.map((event) => without(event, 'execDuration')),
  },
  {
    reason:
      'dockerd 20.10 tells of the end before what it gives back, 26.1 after it; of the stop at any moment of that',
    apply: (events) =>
      sortedRuns(events, [
        ...['container die', 'container stop', 'network disconnect', 'volume unmount'],
      ]),
  },
  {
    reason: 'dockerd mounts and prunes in the order of a map of Go',
    apply: (events) => sortedRuns(events, ['volume mount', 'volume destroy']),
  },
  {
    reason: 'dockerd joins several networks in the order of a map of Go',
    apply: (events) => sortedRuns(events, ['network connect']),
  },
  {
    reason: 'an exec dies of the signal before or after its container is told of it',
    steps: ['resize'],
    apply: (events) => sortedRuns(events, ['container kill', 'container exec_die']),
  },
  {
    reason: 'dockerd 20.10 tells of volumes that are there already when a container is created',
    beside: '20.10',
    apply: (events) => events.filter((event) => kindOf(event) !== 'volume create'),
  },
  {
    reason: 'dockerd 20.10 does not tell which volumes it prunes',
    beside: '20.10',
    steps: ['volume prune'],
    apply: (events) => events.filter((event) => kindOf(event) !== 'volume destroy'),
  },
  {
    reason:
      'what containerd’s snapshotter counts, blocks of the disk, as a dockerd with images in containerd does',
    steps: ['image prune', 'image prune of all that is not used', 'container prune'],
    apply: (events) => events.map((event) => without(event, 'reclaimed')),
  },
  {
    reason:
      'dockerd tells of digests as of tags, but of those only that it had from a registry; ours of none',
    steps: ['rmi by id'],
    apply: (events) =>
      events.filter((event, index) => JSON.stringify(event) !== JSON.stringify(events[index - 1])),
  },
  {
    reason: 'settings of a daemon: those that only one of them has, and what they are',
    steps: ['reload'],
    apply: (events) =>
      events.map((event) =>
        without({ ...event, Actor: { ...event.Actor, ID: 'daemon' } }, ...settings),
      ),
  },
];

const settings = [
  ...['allow-nondistributable-artifacts', 'cluster-advertise', 'cluster-store'],
  ...['cluster-store-opts', 'max-concurrent-downloads', 'max-concurrent-uploads'],
  ...['max-download-attempts', 'debug', 'default-runtime', 'live-restore', 'runtimes'],
];

function kindOf({ Type, Action }: EventEssence): string {
  return `${Type} ${Action}`;
}

function without(event: EventEssence, ...names: readonly string[]): EventEssence {
  const { ID, Attributes } = event.Actor;
  const left = Object.entries(Attributes).filter(([name]) => !names.includes(name));
  return { ...event, Actor: { ID, Attributes: Object.fromEntries(left) } };
}

/** Events of these kinds that follow each other, in one order. */
function sortedRuns(events: readonly EventEssence[], kinds: readonly string[]): EventEssence[] {
  const sorted: EventEssence[] = [];
  let run: EventEssence[] = [];
  const endRun = (): void => {
    const keyed = run.map((event) => [JSON.stringify(event), event] as const);
    sorted.push(...keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, event]) => event));
    run = [];
  };
  for (const event of events) {
    if (kinds.includes(kindOf(event))) {
      run.push(event);
      continue;
    }
    endRun();
    sorted.push(event);
  }
  endRun();
  return sorted;
}
