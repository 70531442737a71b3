/** Every event beside dockerd 20.10 and 26.1: actions, their order, ids, attributes, at the oldest version of the API and the newest that both speak. */
import { expect } from 'chai';
import { HostNetwork } from '../harness/host-network.ts';
import { newerPeers } from '../harness/newer-peers.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { Stack } from '../harness/stack.ts';
import { steps } from './actions.ts';
import { allowed, type AllowedDifference } from './allowed.ts';
import { Essence, type EventEssence } from './essence.ts';
import { Recorder, type Candidate } from './recorder.ts';

/** A daemon whose events are compared, at each version. */
interface Told {
  readonly recorder: Recorder;
  readonly essences: ReadonlyMap<string, Essence>;
}

const peers = { '20.10': ['1.24', '1.41'], '26.1': ['1.24', '1.45'] } as const;
type Peer = keyof typeof peers;

describe('events, as dockerd tells them', function () {
  this.timeout(120_000);
  const ends: (() => Promise<unknown>)[] = [];
  const theirs = new Map<Peer, Told>();
  let ours: Told;

  before(async function () {
    this.timeout(600_000);
    needRoot(this);
    needPeers(this, 'docker', 'dockerd', 'containerd', 'runc', 'docker-registry', 'script', 'curl');
    const shimFolders = await newerPeers(this);
    theirs.set('20.10', await follow(peers['20.10'], (netns) => startDocker({ netns })));
    theirs.set('26.1', await follow(peers['26.1'], (netns) => startDocker({ netns, shimFolders })));
    const versions = [...new Set(Object.values(peers).flat())];
    ours = await follow(versions, async (netns) => {
      const stack = await Stack.start({ netns });
      ends.push(() => stack.stop());
      return { host: stack.host, pid: stack.enginedPid };
    });
  });

  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  async function startDocker(options: object): Promise<Omit<Candidate, 'image'>> {
    const docker = await RealDocker.start(options);
    ends.push(() => docker.stop());
    return { host: docker.host, pid: docker.daemonPids.at(-1) ?? 0 };
  }

  async function follow(
    versions: readonly string[],
    start: (netns: string) => Promise<Omit<Candidate, 'image'>>,
  ): Promise<Told> {
    const network = await HostNetwork.create();
    ends.push(() => network.remove());
    const registry = await network.startRegistry();
    const daemon = await start(network.name);
    const image = `${registry}/busybox:latest`;
    const recorder = await Recorder.start({ ...daemon, image }, versions);
    ends.push(() => recorder.stop());
    return {
      recorder,
      essences: new Map(versions.map((version) => [version, new Essence(registry)])),
    };
  }

  for (const step of steps) {
    it(step.name, async () => {
      const [mine, ...others] = await Promise.all(
        [ours, ...theirs.values()].map(async ({ recorder, essences }) => {
          const recorded = await recorder.record(step);
          return new Map(
            [...essences].map(([version, essence]) => [
              version,
              essence.of(recorded.get(version) ?? []),
            ]),
          );
        }),
      );
      for (const [index, peer] of [...theirs.keys()].entries()) {
        for (const [version, events] of others[index] ?? []) {
          const where = `beside ${peer}, at ${version}`;
          const known = allowedIn(step.name, peer);
          expect(like(mine?.get(version), known), where).to.deep.equal(like(events, known));
        }
      }
    });
  }
});

function allowedIn(step: string, peer: Peer): AllowedDifference[] {
  return allowed.filter(
    ({ steps: only, beside = peer }) => beside === peer && (only?.includes(step) ?? true),
  );
}

/** What is left to compare once every allowed difference is taken away. */
function like(
  events: readonly EventEssence[] = [],
  known: readonly AllowedDifference[],
): readonly EventEssence[] {
  return known.reduce((left, { apply }) => apply(left), events);
}
