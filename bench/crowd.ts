/** Many containers: how long they take to start, what daemons and shims need for them, who still answers while they go. */
import { runOk } from '../integration-tests/harness/command.ts';
import { inParallel } from '../integration-tests/stress/load.ts';
import { ApiClient } from '../integration-tests/engine-api/api-client.ts';
import type { Stacks } from './engine.ts';
import { figure, measure, type Figure } from './measure.ts';
import { proportionalMemory, shimsOf } from './process-memory.ts';

const startedTogether = 50;
const width = 8;
/** For memory. */
const atRest = 20;
/** So long after the last call both have given back what they give back. */
const settleMs = 8000;
const removedTogether = 200;
const pingEveryMs = 5;

interface Peer {
  readonly name: string;
  readonly host: string;
  readonly daemons: readonly number[];
  readonly image: string;
}

/** `rounds` of starting many; the rest once. */
export async function measureCrowd(
  { stack, docker, image }: Stacks,
  rounds: number,
): Promise<Figure[]> {
  const peers: Peer[] = [
    {
      name: 'docker CLI on engined',
      host: stack.host,
      daemons: [stack.enginedPid, stack.containerdPid],
      image,
    },
    { name: 'docker', host: docker.host, daemons: docker.daemonPids, image },
  ];
  const starts = peers.map((peer) => ({
    name: peer.name,
    run: async () => {
      const started = performance.now();
      await startMany(peer, startedTogether);
      const milliseconds = performance.now() - started;
      await removeAll(peer);
      return milliseconds;
    },
  }));
  const scenario = `${startedTogether} detached containers, ${width} at a time`;
  const figures = await measure(scenario, starts, rounds, 0);
  for (const peer of peers) figures.push(...(await measureMemory(peer)));
  for (const peer of peers) figures.push(await measurePings(peer));
  return figures;
}

function docker({ host }: Peer, ...args: string[]): Promise<{ stdout: string }> {
  return runOk('docker', ['-H', host, ...args], { timeoutMs: 300_000 });
}

async function startMany(peer: Peer, count: number): Promise<void> {
  await inParallel(width, count, (n) =>
    docker(peer, 'run', '-d', '--name', `crowd${n}`, peer.image, 'sleep', '1000'),
  );
}

async function removeAll(peer: Peer): Promise<void> {
  const { stdout } = await docker(peer, 'ps', '-aq');
  const ids = stdout.split('\n').filter((id) => id !== '');
  // The command line would kill fifty at once.
  await inParallel(width, ids.length, (n) => docker(peer, 'rm', '-f', ids[n] ?? ''));
}

async function measureMemory(peer: Peer): Promise<Figure[]> {
  await startMany(peer, atRest);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const daemons = peer.daemons.map(proportionalMemory);
  const { stdout } = await docker(peer, 'ps', '-q', '--no-trunc');
  const pids = await shimsOf(
    stdout.split('\n').filter((id) => id !== ''),
    async (id) => Number((await docker(peer, 'inspect', '-f', '{{.State.Pid}}', id)).stdout),
  );
  const shims = pids.map(proportionalMemory);
  await removeAll(peer);
  const sum = daemons.reduce((total, kB) => total + kB, 0);
  return [
    figure(`memory of both daemons, ${atRest} containers`, peer.name, [sum], 'kB'),
    figure(`memory of a shim, ${atRest} containers`, peer.name, shims, 'kB'),
  ];
}

/** Answers of `/_ping` while many containers are being removed: its 99th percentile is the figure to look at. */
async function measurePings(peer: Peer): Promise<Figure> {
  const api = new ApiClient(peer.host);
  const ids = await inParallel(width, removedTogether, async () => {
    const { status, body } = await api.call('POST', '/containers/create', { Image: peer.image });
    if (status !== 201) throw new Error(`a create was answered with ${status}`);
    return (body as { Id: string }).Id; // what the API says of 201
  });
  const times: number[] = [];
  let isOver = false;
  const pinging = (async () => {
    while (!isOver) {
      const started = performance.now();
      await api.call('GET', '/_ping');
      times.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, pingEveryMs));
    }
  })();
  await docker(peer, 'rm', '-f', ...ids);
  isOver = true;
  await pinging;
  return figure(`_ping while ${removedTogether} containers are removed`, peer.name, times);
}
