/**
 * Daemons, shims and containers are killed at random moments while twenty containers of every kind live. Afterwards every
 * container is there once, as it should be, with every line of its log, and nothing is left behind.
 * `STRESS=10` kills ten times as often; `SEED=n` repeats the choices of a run that failed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { listens } from '../harness/listens.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { restingFootprint, settleFootprint, type Footprint } from '../harness/footprint.ts';
import { startChurn, type Churn } from './churn.ts';
import { MixedLoad, type LoadedContainer } from './mixed-load.ts';
import { randomNumbers } from './seeded-random.ts';

const kills = 20 * Number(process.env['STRESS'] ?? 1);
const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);

describe(`a stack whose processes are killed at random (SEED=${seed})`, function () {
  this.timeout(120_000);
  const random = randomNumbers(seed);
  let stack: Stack | undefined;
  let engined: Stack;
  let atRest: Footprint;
  let load: MixedLoad;
  const told: string[] = [];

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker');
    const busybox = `${await devRegistry(this)}/busybox`;
    stack = await Stack.start();
    engined = stack;
    await engined.engineOk('pull', '-q', busybox);
    await engined.engineOk('run', '--rm', busybox, 'true');
    atRest = await restingFootprint(engined);
    load = await MixedLoad.start(engined, busybox);
    const churn = startChurn(engined, busybox);
    this.timeout(120_000 + kills * 20_000);
    const killed = await Promise.allSettled([killAtRandom(churn)]);
    const wrong = await churn.stop();
    const { served, refused } = churn.counts;
    console.log(
      `      ${told.join(' ')}; clients were served ${served} times, refused ${refused} times`,
    );
    for (const outcome of killed) if (outcome.status === 'rejected') throw outcome.reason;
    expect(wrong).to.deep.equal([]);
    expect(served, 'answers to the clients').to.be.greaterThan(kills);
    await waitFor('an answer through all layers', async () => {
      return (await engined.engine('exec', 'writer0', 'true')).status === 0;
    });
  });

  after(async () => stack?.stop());

  it('has every container once', async () => {
    const listed = (await engined.engineOk('ps', '-a', '--format', '{{.Names}}')).split('\n');
    const planned = listed.filter((name) => !name.startsWith('churn'));
    expect(planned.sort()).to.deep.equal(load.names.sort());
  });

  it('reports every exit status, and tries again as often as was asked', () => load.expectEnds());

  it('has each line of those that went on once, and stops them', () => load.expectWriters());

  it('has started what was killed again, once, and leads to it', async function () {
    this.timeout(400_000);
    await load.expectServers();
  });

  it('looks after their health', () => load.expectWatched());

  it('leaves nothing behind', async () => {
    const all = (await engined.engineOk('ps', '-aq', '--no-trunc')).split('\n').filter(Boolean);
    await load.remove();
    await removeChurned();
    expect(await settleFootprint(engined, atRest, all, 20_000)).to.deep.equal([]);
  });

  async function removeChurned(): Promise<void> {
    const left = (await engined.engineOk('ps', '-aq')).split('\n').filter(Boolean);
    if (left.length > 0) await engined.engineOk('rm', '-f', ...left);
  }

  async function killAtRandom(churn: Churn): Promise<void> {
    const victims = [...load.all('victim')];
    const steps: [name: string, weight: number, kill: () => Promise<unknown>][] = [
      ['engined', 4, killEngined],
      ['containerd-lite', 4, killContainerd],
      ['both', 1, () => Promise.all([killContainerd(), killEngined()])],
      ['a container', 3, () => killServer('init.pid')],
      ['a shim', 3, () => killServer('shim.pid')],
      [
        'shim and containerd-lite',
        1,
        () => Promise.all([killServer('shim.pid'), killContainerd()]),
      ],
      ['the shim of one that stays ended', 1, () => killVictim(victims)],
    ];
    const choices = steps.flatMap((step) => Array<typeof step>(step[1]).fill(step));
    const done = new Map<string, number>();
    for (let count = 0; count < kills;) {
      // Often the next kill comes before the daemons are back; but not so often that nothing is ever under way.
      if (random() < 0.7) await churn.servedAgain();
      await delay(20 + random() * 400);
      const [name, , kill] = choices[Math.floor(random() * choices.length)] ?? choices[0] ?? [];
      if (name === undefined || kill === undefined) break;
      if ((await kill()) === false) continue; // nobody to be killed
      count++;
      done.set(name, (done.get(name) ?? 0) + 1);
    }
    while (victims.length > 0) await waitFor('a shim to kill', () => killVictim(victims));
    told.push(`${kills} kills:`, [...done].map(([name, count]) => `${name} ${count}`).join(', '));
  }

  async function killEngined(): Promise<void> {
    await engined.endEngined('SIGKILL');
    await delay(random() * 200);
    await engined.startEngined();
  }

  async function killContainerd(): Promise<boolean> {
    const killed = engined.containerdPid;
    try {
      process.kill(killed, 'SIGKILL');
    } catch {
      return false; // its last end was not noticed yet
    }
    if (random() < 0.5) return true; // and the next kill may come while it starts
    await waitFor('containerd-lite to be back', async () => {
      return engined.containerdPid !== killed && (await listens(engined.containerdAddress));
    });
    return true;
  }

  async function killServer(file: 'init.pid' | 'shim.pid'): Promise<boolean> {
    const ready = load.all('server').filter((server) => load.isUp(server));
    const server = ready[Math.floor(random() * ready.length)];
    return server !== undefined && kill(server, file);
  }

  /** The last of them, once. */
  async function killVictim(victims: LoadedContainer[]): Promise<boolean> {
    const victim = victims.at(-1);
    const killed = victim !== undefined && kill(victim, 'shim.pid');
    if (killed) victims.pop();
    return killed;
  }

  function kill(container: LoadedContainer, file: 'init.pid' | 'shim.pid'): boolean {
    const pid = load.pid(container, file);
    if (pid === undefined) return false;
    container.begunBefore = load.begun(container);
    container.kills++;
    process.kill(pid, 'SIGKILL');
    return true;
  }
});
