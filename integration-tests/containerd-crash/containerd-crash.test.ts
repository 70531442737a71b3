/**
 * containerd-lite is killed at random moments while clients pull, commit, delete and create tasks. What it has answered
 * is there afterwards, and nothing that nobody can find. `CRASH_POINTS=200` kills more often, `SEED=n` repeats an order.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { ContainerdClient } from '#proto/containerd-client';
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';
import { incompleteImages, list, wrongOnDisk, wrongTasks } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { Workload } from './workload.ts';

const kills = Number(process.env['CRASH_POINTS'] ?? 25);
const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);
/** A kill comes this long after the restart, or sooner. */
const longestRoundMs = 700;

describe(`containerd-lite that is killed ${kills} times (SEED=${seed})`, function () {
  this.timeout(120_000 + kills * 20_000);
  const containerd = new ContainerdLite();
  const ledger = new Ledger();
  const random = randomNumbers(seed);
  let client: ContainerdClient;
  let workload: Workload;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr');
    const registry = await devRegistry(this);
    await containerd.start();
    client = new ContainerdClient(containerd.address, { namespace: containerd.namespace });
    workload = new Workload({ containerd, client, ledger, registry, random });
    await workload.prepare();
  });
  after(async () => {
    client.close();
    await containerd.remove();
  });

  it('has everything that it answered, and nothing that nobody can find', async () => {
    for (let kill = 1; kill <= kills; kill++) {
      const killed = new AbortController();
      const working = workload.run(killed.signal);
      working.catch(() => undefined); // told below
      await delay(random() * longestRoundMs);
      killed.abort();
      await containerd.end('SIGKILL');
      await working;
      await containerd.start();
      await waitFor('the client to be connected again', async () =>
        client.version.version({}).then(
          () => true,
          () => false,
        ),
      );
      expect(await wrongAfterRestart(), `kill ${kill}`).to.deep.equal([]);
    }
    expect(ledger.answered).to.be.greaterThan(kills); // it was in the middle of something
  });

  async function wrongAfterRestart(): Promise<string[]> {
    await removeHalfCreated();
    // What interrupted pulls have stored is theirs until their leases expire.
    for (const { id } of (await client.leases.list({})).leases) {
      if (id.startsWith('transfer-')) await client.leases.delete({ id });
    }
    await client.leases.create({ id: 'collect' });
    await client.leases.delete({ id: 'collect', sync: true });
    const listing = await list(client);
    return [
      ...ledger.settle('image', new Set(listing.images.keys())),
      ...ledger.settle('content', listing.content),
      ...ledger.settle('snapshot', listing.snapshots),
      ...ledger.settle('lease', listing.leases),
      ...ledger.settle('task', new Set(listing.tasks.keys())),
      ...(await wrongOnDisk(containerd, client, listing)),
      ...(await incompleteImages(client, listing)),
      ...wrongTasks(containerd, listing),
    ];
  }

  /** Containers whose creation or deletion was not answered: their clients would try again. */
  async function removeHalfCreated(): Promise<void> {
    const answered = ledger.present('task');
    const { containers } = await client.containers.list({});
    for (const { id } of containers) {
      if (answered.includes(id)) continue;
      await containerd.ctr('tasks', 'rm', '--force', id); // where there is one
      await containerd.ctrOk('containers', 'rm', id);
    }
  }
});

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
