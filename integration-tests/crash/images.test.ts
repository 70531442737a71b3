/**
 * engined, its containerd-lite or both are killed at random moments of a pull, load, import, commit, save, create or deletion. No
 * image is listed then that is not whole, what was answered is there, the next try works, and nothing is left that nobody can find.
 * `STRESS=10` kills ten times as often; `SEED=n` repeats the choices of a run that failed.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { ContainerdClient } from '#proto/containerd-client';
import { incompleteImages, list, type Listing } from '../containerd-crash/invariants.ts';
import { runOk, type CommandResult } from '../harness/command.ts';
import { restingFootprint, settleFootprint, type Footprint } from '../harness/footprint.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { randomNumbers } from './seeded-random.ts';

const rounds = 3 * Number(process.env['STRESS'] ?? 1);
const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);
const victims = ['engined', 'engined', 'containerd-lite', 'both'] as const;

/** What is interrupted. */
const names = [
  'a pull',
  'a load',
  'an import',
  'a commit',
  'a save',
  'a create',
  'a deletion',
] as const;

interface Operation {
  readonly name: (typeof names)[number];
  /** Arguments of the command line. */
  readonly command: readonly string[];
  /** The image that is there once it has succeeded, or is gone. */
  readonly image?: string;
  readonly makes: boolean;
  /** What must be there before. */
  readonly needs?: readonly string[];
}

describe(`work on images that is killed at random (SEED=${seed})`, function () {
  this.timeout(600_000);
  const random = randomNumbers(seed);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'killed-'));
  let stack: Stack;
  let client: ContainerdClient;
  let atRest: Footprint;
  let known: Listing;
  let busybox: string;

  const file = (name: string): string => path.join(folder, name);
  const operations: Operation[] = [];

  before(async function () {
    needRoot(this);
    const registry = await devRegistry(this);
    busybox = `${registry}/busybox`;
    await writeRoot();
    stack = await Stack.start();
    client = new ContainerdClient(stack.containerdAddress, { namespace: 'engine' });
    const loaded = ['load', '-q', '-i', file('saved.tar')];
    operations.push(
      {
        name: 'a pull',
        command: ['pull', '-q', `${registry}/debian`],
        image: `${registry}/debian:latest`,
        makes: true,
      },
      { name: 'a load', command: loaded, image: 'saved:1', makes: true },
      {
        name: 'an import',
        command: ['import', file('root.tar'), 'imported:1'],
        image: 'imported:1',
        makes: true,
      },
      {
        name: 'a commit',
        command: ['commit', 'worker', 'committed:1'],
        image: 'committed:1',
        makes: true,
      },
      {
        name: 'a save',
        command: ['save', '-o', file('again.tar'), 'saved:1'],
        needs: loaded,
        makes: false,
      },
      {
        name: 'a create',
        command: ['create', '--name', 'created', 'saved:1', 'true'],
        needs: loaded,
        makes: false,
      },
      {
        name: 'a deletion',
        command: ['rmi', 'saved:1'],
        image: 'saved:1',
        needs: loaded,
        makes: false,
      },
    );
    await stack.engineOk('pull', '-q', busybox);
    await stack.engineOk('import', file('root.tar'), 'saved:1');
    await stack.engineOk('save', '-o', file('saved.tar'), 'saved:1');
    await stack.engineOk('rmi', 'saved:1');
    await stack.engineOk(
      'run',
      '--name',
      'worker',
      '-v',
      `${folder}:/in:ro`,
      busybox,
      'cp',
      '/in/bytes',
      '/',
    );
    known = await list(client);
    atRest = await restingFootprint(stack);
  });

  after(async () => {
    client.close();
    await stack.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  for (const name of names) {
    it(`leaves nothing half done of ${name}`, async () => {
      const operation = operations.find((candidate) => candidate.name === name);
      if (!operation) throw new Error(`nothing is called ${name}`);
      const lastsMs = await uninterrupted(operation);
      for (let round = 1; round <= rounds; round++) {
        const victim = victims[Math.floor(random() * victims.length)] ?? 'both';
        const afterMs = random() * lastsMs;
        const what = `${operation.name}, ${victim} killed after ${Math.round(afterMs)} of ${Math.round(lastsMs)} ms`;
        expect(await killedDuring(operation, victim, afterMs), what).to.deep.equal([]);
      }
    });
  }

  it('leaves nothing behind', async () => {
    expect(await settleFootprint(stack, atRest)).to.deep.equal([]);
  });

  /** Enough to take a while, and not to be compressed. */
  async function writeRoot(): Promise<void> {
    await runOk('dd', [
      'if=/dev/urandom',
      `of=${file('bytes')}`,
      'bs=1M',
      'count=24',
      'status=none',
    ]);
    await runOk('tar', ['-C', folder, '-cf', file('root.tar'), 'bytes']);
  }

  async function uninterrupted({ command, needs }: Operation): Promise<number> {
    if (needs) await stack.engineOk(...needs);
    const { durationMs, status, stderr } = await stack.engine(...command);
    expect(status, stderr).to.equal(0);
    expect(await cleanUp()).to.deep.equal([]);
    return durationMs;
  }

  /** Sentences about what is wrong afterwards. */
  async function killedDuring(
    operation: Operation,
    victim: (typeof victims)[number],
    afterMs: number,
  ): Promise<string[]> {
    const { command, needs } = operation;
    if (needs) await stack.engineOk(...needs);
    const working = stack.engine(...command);
    await delay(afterMs);
    if (victim !== 'engined') process.kill(stack.containerdPid, 'SIGKILL');
    if (victim !== 'containerd-lite') await stack.endEngined('SIGKILL');
    const result = await working;
    if (victim !== 'containerd-lite') await stack.startEngined();
    await waitFor('containerd-lite to answer', () =>
      client.version.version({}).then(
        () => true,
        () => false,
      ),
    );
    const wrong = await wrongAfterRestart(operation, result);
    wrong.push(...(await triedAgain(operation)));
    if (victim !== 'engined') await endTransferLeases();
    return [...wrong, ...(await cleanUp())];
  }

  /** What a containerd-lite that is killed in a transfer has stored is kept for the next attempt, until a lease of minutes expires. */
  async function endTransferLeases(): Promise<void> {
    for (const { id } of (await client.leases.list({})).leases) {
      if (id.startsWith('transfer-')) await client.leases.delete({ id, sync: true });
    }
  }

  async function wrongAfterRestart(
    { image, makes }: Operation,
    { status }: CommandResult,
  ): Promise<string[]> {
    const wrong = await incompleteImages(client, await list(client));
    const listed = await stack.engineOk('images', '--format', '{{.Repository}}:{{.Tag}}');
    if (image !== undefined && status === 0 && listed.split('\n').includes(image) !== makes) {
      wrong.push(`${image} is not as was answered: ${listed}`);
    }
    for (const name of listed.split('\n').filter(Boolean)) {
      if (name.includes('<none>')) continue;
      const created = await stack.engine('create', '--name', 'probe', name, 'true');
      if (created.status !== 0) wrong.push(`${name} is listed and not whole: ${created.stderr}`);
      else await stack.engineOk('rm', 'probe');
    }
    return wrong;
  }

  async function triedAgain({ command, needs }: Operation): Promise<string[]> {
    await stack.engine('rm', '-f', 'created');
    if (needs) await stack.engineOk(...needs);
    const { status, stderr } = await stack.engine(...command);
    return status === 0 ? [] : [`the next try fails: ${stderr}`];
  }

  /** Removes what was made; returns what is there beside what was there before. */
  async function cleanUp(): Promise<string[]> {
    await stack.engine('rm', '-f', 'created');
    fs.rmSync(file('again.tar'), { force: true });
    const made = operations.flatMap(({ image }) => (image === undefined ? [] : [image]));
    for (const image of new Set(made)) await stack.engine('rmi', '-f', image);
    await stack.engineOk('image', 'prune', '-f');
    const partial = fs.readdirSync(folder).filter((name) => name.startsWith('.'));
    let more: string[] = [];
    await waitFor('what is not needed to be gone', async () => {
      more = moreThan(known, await list(client));
      const { statuses } = await client.content.listStatuses({});
      more.push(...statuses.map(({ ref }) => `ingest ${ref}`));
      return more.length === 0;
    }).catch(() => undefined); // told below
    return [...more, ...partial.map((name) => `file ${name}`)];
  }
});

function moreThan(before: Listing, after: Listing): string[] {
  const names = ({ images, content, snapshots, leases, containers }: Listing): string[] => [
    ...[...images.keys()].map((name) => `image ${name}`),
    ...[...content].map((digest) => `content ${digest}`),
    ...[...snapshots].map((name) => `snapshot ${name}`),
    // That of creates comes with the first and is a new one then; no two are.
    ...[...leases].filter((id) => !isOfCreates(id)).map((id) => `lease ${id}`),
    ...[...leases]
      .filter(isOfCreates)
      .slice(1)
      .map((id) => `lease ${id}`),
    ...[...containers].map((id) => `container ${id}`),
  ];
  const [left, found] = [names(before), names(after)];
  const lost = left.filter((name) => {
    const index = found.indexOf(name);
    if (index >= 0) found.splice(index, 1);
    return index < 0;
  });
  return [...found.map((name) => `too much: ${name}`), ...lost.map((name) => `lost: ${name}`)];
}

function isOfCreates(leaseId: string): boolean {
  return /^engine-[0-9a-f-]{36}$/.test(leaseId);
}
