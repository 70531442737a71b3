/** The verbs of OCI runtimes on one bundle: ours, runc and crun; and what ours cost without the start of a process. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { executablePath, installationRoot } from '#lib/installation/installation';
import { findPeer } from '../integration-tests/harness/peers.ts';
import { figure, floorName, type Figure, type Unit } from './measure.ts';
import { costOf, privateMemory, type Cost } from './process-cost.ts';
import { makeBundle } from './runtime-bundle.ts';
import { ColdRuntime, readPid, waitUntilEnded, WarmRuntime } from './runtime-contender.ts';

/** Rounds that are not counted, first. */
const warmUpRounds = 2;
/** So many, that the 99th percentile is another value than the slowest. */
const leastWarmRounds = 200;

/** The samples of a scenario, by contender. */
class Samples {
  readonly #samples = new Map<string, { unit: Unit; values: number[] }>();

  note(scenario: string, contender: string, value: number, unit: Unit = 'ms'): void {
    const key = `${scenario}\0${contender}`;
    const samples = this.#samples.get(key) ?? { unit, values: [] };
    samples.values.push(value);
    this.#samples.set(key, samples);
  }

  noteCost(verb: string, contender: string, { wallMs, processorMs }: Cost): void {
    this.note(verb, contender, wallMs);
    this.note(`${verb}, processor time`, contender, processorMs);
  }

  figures(): Figure[] {
    return [...this.#samples].map(([key, { unit, values }]) => {
      const [scenario = '', contender = ''] = key.split('\0');
      return figure(scenario, contender, values, unit);
    });
  }
}

/** Each verb by itself and all three that a container needs; `rounds` of the cold ones. */
export async function measureRuntimes(rounds: number): Promise<Figure[]> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-runtime-'));
  try {
    const bundle = await makeBundle(root);
    const peers = ['runc', 'crun'].flatMap((name) => {
      const file = findPeer(name);
      return file === undefined ? [] : [new ColdRuntime(name, file, root)];
    });
    const ours = new ColdRuntime('runtime', executablePath('runtime'), root);
    const samples = new Samples();
    measureCold([ours, ...peers], { bundle, root, rounds, samples });
    await measureWarm(peers, { bundle, root, rounds: Math.max(leastWarmRounds, rounds), samples });
    return samples.figures();
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
}

interface Setting {
  readonly bundle: string;
  readonly root: string;
  readonly rounds: number;
  readonly samples: Samples;
}

const verbs = ['run', 'create', 'state', 'kill', 'start', 'delete'] as const;
const whole = 'create + start + delete';

/** One process per command. What node itself needs to start stands beside every verb. */
function measureCold(runtimes: readonly ColdRuntime[], setting: Setting): void {
  const { bundle, root, rounds, samples } = setting;
  const node = path.join(installationRoot(), 'lib/node');
  const pidFile = path.join(root, 'pid');
  for (let round = -warmUpRounds; round < rounds; round++) {
    const floor = costOf(node, ['-e', '0']);
    if (round >= 0) for (const verb of verbs) samples.noteCost(verb, floorName, floor);
    for (const runtime of runtimes) {
      const run = runtime.run('run', '-b', bundle, 'r');
      const create = runtime.run('create', '-b', bundle, '--pid-file', pidFile, 'c');
      const pid = readPid(pidFile);
      const waiting = privateMemory(pid);
      const state = runtime.run('state', 'c');
      const kill = runtime.run('kill', 'c', 'WINCH'); // the first process of a pid namespace ignores it
      const start = runtime.run('start', 'c');
      waitUntilEnded(pid);
      const remove = runtime.run('delete', 'c');
      if (round < 0) continue;
      const costs = { run, create, state, kill, start, delete: remove };
      for (const verb of verbs) samples.noteCost(verb, runtime.name, costs[verb]);
      samples.noteCost(whole, runtime.name, sum(create, start, remove));
      samples.note(
        'private memory of the process that waits for start',
        runtime.name,
        waiting,
        'kB',
      );
    }
  }
}

/** `runtime serve` beside processes of the others. */
async function measureWarm(peers: readonly ColdRuntime[], setting: Setting): Promise<void> {
  const { bundle, root, rounds, samples } = setting;
  const pidFile = path.join(root, 'pid');
  const create = ['create', '-b', bundle, '--pid-file', pidFile, 'w'];
  const warm = new WarmRuntime(executablePath('runtime'), root);
  for (let round = -warmUpRounds; round < rounds; round++) {
    const times = [await warm.run(...create), await warm.run('start', 'w')];
    waitUntilEnded(readPid(pidFile));
    times.push(await warm.run('delete', 'w'));
    if (round >= 0) {
      for (const [index, verb] of ['create', 'start', 'delete'].entries()) {
        samples.note(`${verb}, warm`, 'runtime serve', times[index] ?? 0);
      }
      samples.note(
        `${whole}, warm`,
        'runtime serve',
        times.reduce((a, b) => a + b),
      );
    }
    for (const peer of peers) {
      const costs = [peer.run(...create), peer.run('start', 'w')];
      waitUntilEnded(readPid(pidFile));
      costs.push(peer.run('delete', 'w'));
      if (round >= 0) samples.note(`${whole}, warm`, peer.name, sum(...costs).wallMs);
    }
  }
  await warm.end();
}

function sum(...costs: readonly Cost[]): Cost {
  return {
    wallMs: costs.reduce((total, { wallMs }) => total + wallMs, 0),
    processorMs: costs.reduce((total, { processorMs }) => total + processorMs, 0),
  };
}
