/**
 * Daemons and shims are killed at random moments while containers write, end, come and go. Afterwards every container
 * is there once, with every line of its log and the right exit status, and nothing is left behind.
 * `STRESS=10` kills ten times as often; `SEED=n` repeats the order of a run that failed.
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { restingFootprint, settleFootprint, type Footprint } from '../harness/footprint.ts';
import { inParallel } from '../stress/load.ts';

const kills = 40 * Number(process.env['STRESS'] ?? 1);
const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);

interface Planned {
  name: string;
  id: string;
  exitCode: number;
}

describe(`a stack whose processes are killed at random (SEED=${seed})`, () => {
  const stacks: Stack[] = [];
  const random = randomNumbers(seed);
  let stack: Stack;
  let busybox: string;
  let atRest: Footprint;
  /** Write numbered lines until they are told to end. */
  let writers: Planned[] = [];
  /** End by themselves in the middle of it. */
  let enders: Planned[] = [];
  /** Their shims are killed. */
  let victims: Planned[] = [];
  const restartsMs: number[] = [];

  before(async function () {
    needRoot(this);
    this.timeout(120_000);
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await Stack.start();
    stacks.push(stack);
    await stack.engineOk('pull', '-q', busybox);
    await stack.engineOk('run', '--rm', busybox, 'true');
    atRest = await restingFootprint(stack);
    const start = (kind: string, count: number, exitCode: number, script: string) =>
      inParallel(4, count, async (index): Promise<Planned> => {
        const name = `${kind}${index}`;
        const id = await stack.engineOk(
          ...['run', '-d', '--name', name, busybox, 'sh', '-c', script],
        );
        return { name, id, exitCode };
      });
    const write = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done';
    writers = await start('writer', 12, 7, `trap "exit 7" TERM; ${write}`);
    victims = await start('victim', 4, 137, write);
    enders = await start('ender', 4, 33, 'sleep 6; echo end; exit 33');
  });

  after(async function () {
    this.timeout(60_000);
    for (const started of stacks) await started.stop();
  });

  it('goes on', async function () {
    this.timeout(kills * 5000);
    const unharmed = [...victims];
    const steps: [weight: number, kill: () => Promise<void>][] = [
      [4, killEngined],
      [4, killContainerd],
      [
        1,
        async () => {
          const victim = unharmed.pop();
          if (victim) killShim(victim);
        },
      ],
      [1, () => Promise.all([killContainerd(), killEngined()]).then(() => undefined)],
    ];
    const choices = steps.flatMap(([weight, kill]) => Array<typeof kill>(weight).fill(kill));
    const load = churn();
    try {
      for (let count = 0; count < kills; count++) {
        await delay(20 + random() * 400);
        await choices[Math.floor(random() * choices.length)]?.();
      }
      for (const victim of unharmed) killShim(victim);
    } finally {
      await load.stop();
    }
    console.log(
      `      ${kills} kills, ${load.done()} clients served and ${load.failed()} not;` +
        ` containerd-lite was back after at most ${Math.max(0, ...restartsMs).toFixed(0)} ms`,
    );
    expect(Math.max(0, ...restartsMs)).to.be.lessThan(3000);
  });

  it('has every container once', async () => {
    await waitFor('an answer through all layers', async () => {
      return (await stack.engine('exec', 'writer0', 'true')).status === 0;
    });
    const listed = (await stack.engineOk('ps', '-a', '--format', '{{.Names}}')).split('\n');
    const planned = [...writers, ...enders, ...victims].map(({ name }) => name);
    expect(listed.filter((name) => !name.startsWith('churn')).sort()).to.deep.equal(planned.sort());
  });

  it('reports the exit status of those that ended and of those whose shim was killed', async function () {
    this.timeout(60_000);
    for (const { name, exitCode } of [...enders, ...victims]) {
      expect(await stack.engineOk('wait', name), name).to.equal(String(exitCode));
    }
    for (const { name } of enders) expect(await stack.engineOk('logs', name)).to.equal('end');
  });

  it('has each line of those that went on once, and stops them', async function () {
    this.timeout(60_000);
    for (const { name } of writers) {
      expect(await stack.engineOk('inspect', '-f', '{{.State.Status}}', name)).to.equal('running');
      expectEveryLine(name, await stack.engineOk('logs', name));
    }
    await stack.engineOk('stop', ...writers.map(({ name }) => name));
    for (const { name, exitCode } of writers) {
      expect(await stack.engineOk('wait', name), name).to.equal(String(exitCode));
      expectEveryLine(name, await stack.engineOk('logs', name));
    }
  });

  it('leaves nothing behind', async function () {
    this.timeout(120_000);
    const all = (await stack.engineOk('ps', '-aq', '--no-trunc')).split('\n').filter(Boolean);
    await stack.engineOk('rm', '-f', ...all);
    expect(await settleFootprint(stack, atRest, all, 20_000)).to.deep.equal([]);
  });

  async function killEngined(): Promise<void> {
    await stack.endEngined('SIGKILL');
    await delay(random() * 200);
    await stack.startEngined();
  }

  async function killContainerd(): Promise<void> {
    const killed = stack.containerdPid;
    const started = performance.now();
    try {
      process.kill(killed, 'SIGKILL');
    } catch {
      return; // its last end was not noticed yet
    }
    if (random() < 0.5) return; // and the next kill may come while it starts
    await waitFor('containerd-lite to be back', async () => {
      return stack.containerdPid !== killed && (await answers(stack));
    });
    restartsMs.push(performance.now() - started);
  }

  function killShim({ id }: Planned): void {
    const bundles = 'run/containerd-lite/state/io.containerd.runtime.v2.task/engine';
    const file = path.join(stack.root, bundles, id, 'shim.pid');
    process.kill(Number(fs.readFileSync(file, 'utf8')), 'SIGKILL');
  }

  /** Clients that run, enter and remove containers, and do not mind being refused. */
  function churn() {
    let stopped = false;
    const counts = { done: 0, failed: 0 };
    const client = async (index: number): Promise<void> => {
      for (let round = 0; !stopped; round++) {
        const name = `churn${index}-${round}`;
        const [run, exec, removal] = [
          await stack.engine('run', '-d', '--name', name, busybox, 'sleep', '1000'),
          await stack.engine('exec', `writer${index}`, 'true'),
          await stack.engine('rm', '-f', name),
        ];
        for (const { status } of [run, exec, removal]) counts[status === 0 ? 'done' : 'failed']++;
      }
    };
    const clients = Promise.all([0, 1].map(client));
    return {
      stop: async () => {
        stopped = true;
        await clients;
      },
      done: () => counts.done,
      failed: () => counts.failed,
    };
  }
});

function expectEveryLine(name: string, log: string): void {
  const lines = log.split('\n').map(Number);
  const wrong = lines.findIndex((line, index) => line !== index + 1);
  const around = lines.slice(Math.max(0, wrong - 2), wrong + 3).join(' ');
  expect(wrong, `${name}, of ${lines.length} lines: … ${around} …`).to.equal(-1);
}

function answers({ root }: Stack): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path.join(root, 'run/containerd-lite/containerd-lite.sock'));
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
