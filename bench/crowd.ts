/** Many containers: how long they take to start, what daemons and shims need for them. */
import { runOk } from '../integration-tests/harness/command.ts';
import { inParallel } from '../integration-tests/stress/load.ts';
import type { Stacks } from './engine.ts';
import { figure, measure, type Figure } from './measure.ts';
import { proportionalMemory, shimsOf } from './process-memory.ts';

const startedTogether = 50;
const width = 8;
/** For memory. */
const atRest = 20;
/** Of quiet before memory is looked at: daemons give back what they give back. */
const settleMs = 30_000;

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
  const sumOfDaemons = (): number =>
    peer.daemons.map(proportionalMemory).reduce((total, kB) => total + kB, 0);
  const atOnce = sumOfDaemons();
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const settled = sumOfDaemons();
  const { stdout } = await docker(peer, 'ps', '-q', '--no-trunc');
  const pids = await shimsOf(
    stdout.split('\n').filter((id) => id !== ''),
    async (id) => Number((await docker(peer, 'inspect', '-f', '{{.State.Pid}}', id)).stdout),
  );
  const shims = pids.map(proportionalMemory);
  await removeAll(peer);
  return [
    figure(`memory of both daemons, ${atRest} containers just started`, peer.name, [atOnce], 'kB'),
    figure(`memory of both daemons, ${atRest} containers`, peer.name, [settled], 'kB'),
    figure(`memory of a shim, ${atRest} containers`, peer.name, shims, 'kB'),
  ];
}
