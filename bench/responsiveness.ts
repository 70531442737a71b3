/** Who still answers at once while there is much to do: answers of an idle kind beside 200 operations of the heavy kinds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { runOk } from '../integration-tests/harness/command.ts';
import { inParallel } from '../integration-tests/stress/load.ts';
import { ApiClient } from '../integration-tests/engine-api/api-client.ts';
import type { Stacks } from './engine.ts';
import { figure, type Figure } from './measure.ts';

const operations = 200;
const width = 8;
/** One removal of 200 is over too soon for a percentile. */
const removals = 3;

/** The 99th percentiles are the figures to look at. */
export async function measureResponsiveness({ stack, docker, image }: Stacks): Promise<Figure[]> {
  const figures: Figure[] = [];
  const engines = [
    { name: 'docker CLI on engined', host: stack.host },
    { name: 'docker', host: docker.host },
  ];
  for (const { name, host } of engines) {
    const scenario = `_ping while ${operations} containers are removed`;
    figures.push(figure(scenario, name, await pingWhileRemoving(host, image)));
  }
  const containerds = [
    { name: 'containerd-lite', address: stack.containerdAddress, runtime: 'io.containerd.lite.v2' },
    { name: 'containerd', address: docker.containerdAddress, runtime: 'io.containerd.runc.v2' },
  ];
  for (const { name, address, runtime } of containerds) {
    const scenario = `health check while ${operations} images are pulled and deleted, ${operations} tasks run and removed`;
    const samples = await probing('health', address, () => workOn(address, runtime, image));
    figures.push(figure(scenario, name, samples));
  }
  return figures;
}

async function pingWhileRemoving(host: string, image: string): Promise<number[]> {
  const api = new ApiClient(host);
  const samples: number[] = [];
  for (let removal = 0; removal < removals; removal++) {
    const ids = await inParallel(width, operations, async () => {
      const { status, body } = await api.call('POST', '/containers/create', { Image: image });
      if (status !== 201) throw new Error(`a create was answered with ${status}`);
      return (body as { Id: string }).Id; // what the API says of 201
    });
    const remove = (): Promise<unknown> =>
      runOk('docker', ['-H', host, 'rm', '-f', ...ids], { timeoutMs: 300_000 });
    samples.push(...(await probing('ping', host, remove)));
  }
  return samples;
}

/** Each of `width` clients in a namespace of its own: none finds what another has pulled. */
async function workOn(address: string, runtime: string, image: string): Promise<void> {
  const clients = Array.from({ length: width }, (_, n) => `bench${n}`);
  await Promise.all(
    clients.map(async (namespace) => {
      const ctr = (...args: string[]): Promise<unknown> =>
        runOk('ctr', ['-a', address, '-n', namespace, ...args]);
      for (let round = 0; round < operations / width; round++) {
        await ctr('images', 'pull', '--plain-http', `${image}:latest`);
        await ctr('run', '--rm', '--runtime', runtime, `${image}:latest`, namespace, 'true');
        await ctr('images', 'rm', '--sync', `${image}:latest`);
      }
    }),
  );
}

/** Milliseconds of every answer while `work` went on. */
async function probing(
  kind: 'ping' | 'health',
  address: string,
  work: () => Promise<unknown>,
): Promise<number[]> {
  const program = path.join(import.meta.dirname, 'prober.ts');
  const prober = spawn(process.execPath, [program, kind, address], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(prober, 'exit');
  const lines = readline.createInterface(prober.stdout)[Symbol.asyncIterator]();
  try {
    if ((await lines.next()).value !== 'ready') throw new Error(`no answer to a ${kind}`);
    await work();
  } finally {
    prober.stdin.end();
  }
  const { value } = (await lines.next()) as { value?: string };
  await ended;
  if (value === undefined) throw new Error(`a ${kind} was not answered`);
  return JSON.parse(value) as number[]; // prober.ts writes nothing else
}
