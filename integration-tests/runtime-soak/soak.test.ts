/**
 * Many containers, one after the other and at once: what one of them leaves behind, many leave in heaps.
 * `COLD_ROUNDS=1000` makes a process for each command of as many containers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { anonymousKilobytes, zombieChildren } from '../harness/footprint.ts';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from '../runtime/fixture.ts';
import { keyringsOf, leftoversOf } from '../runtime/leftovers.ts';
import { ServingRuntime } from '../runtime/serving-runtime.ts';

const servedRounds = 1000;
const coldRounds = Number(process.env['COLD_ROUNDS'] ?? 20);
const atOnce = 50;

/** A heap that soon has the size that it keeps: what grows after so many rounds is lost. */
const smallHeap = 'NODE_OPTIONS=--max-old-space-size=16 --max-semi-space-size=1';
const warmUpRounds = 200;
const growthKilobytes = 8192;

describeContainers('many containers', (fixture) => {
  const verbs = [['create'], ['start'], ['delete', '--force']] as const;

  async function expectNothing(): Promise<void> {
    const left = () => [...leftoversOf(fixture()), ...keyringsOf(fixture().id)];
    await waitFor('nothing is left', () => left().length === 0, 30_000).catch(() => undefined);
    expect(left()).to.deep.equal([]);
  }

  async function runCold(verb: readonly string[], id: string): Promise<void> {
    const { root, directory } = fixture().bundle;
    const args = ['--root', root, ...verb, id];
    // Without pipes, which the container would keep open.
    const child = spawn(executablePath('runtime'), args, {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code, `${verb.join(' ')} ${id}`).to.equal(0);
  }

  it(`${servedRounds} by one server leave nothing behind, in it or outside`, async function () {
    this.timeout(300_000);
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    const server = new ServingRuntime(['env', smallHeap, executablePath('runtime'), 'serve']);
    const pid = server.child.pid ?? 0;
    let before = { descriptors: 0, kilobytes: 0 };
    try {
      for (let round = 0; round < servedRounds; round++) {
        if (round === warmUpRounds) {
          before = { descriptors: server.openDescriptors(), kilobytes: anonymousKilobytes(pid) };
        }
        for (const verb of verbs) {
          const args = ['--root', bundle.root, ...verb, `${id}-${round}`];
          expect(await server.call({ args, cwd: bundle.directory }), args.join(' ')).to.equal(0);
        }
      }
      expect(server.openDescriptors()).to.equal(before.descriptors);
      expect(zombieChildren(pid)).to.deep.equal([]);
      expect(anonymousKilobytes(pid) - before.kilobytes).to.be.below(growthKilobytes);
    } finally {
      await server.end();
    }
    await expectNothing();
  });

  it(`${coldRounds} with a process per command leave nothing behind`, async function () {
    this.timeout(60_000 + coldRounds * 2000);
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    for (let round = 0; round < coldRounds; round++) {
      for (const verb of verbs) await runCold(verb, `${id}-${round}`);
    }
    await expectNothing();
  });

  it(`${atOnce} at once leave nothing behind`, async function () {
    this.timeout(300_000);
    const { bundle, id } = fixture();
    bundle.configure(['sleep', '600']);
    const ids = Array.from({ length: atOnce }, (_, index) => `${id}-${index}`);
    for (const verb of verbs) await Promise.all(ids.map((one) => runCold(verb, one)));
    await expectNothing();
  });

  it(`${atOnce} whole lives at once leave nothing behind`, async function () {
    this.timeout(300_000);
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    const ids = Array.from({ length: atOnce }, (_, index) => `${id}-${index}`);
    await Promise.all(ids.map((one) => runCold(['run'], one)));
    await expectNothing();
  });
});
