/** The loader, or the process that it has cloned, is killed at any moment of a create: create fails, and undoes itself. */
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from '../runtime/fixture.ts';
import { leftoversOf } from '../runtime/leftovers.ts';
import { ServingRuntime } from '../runtime/serving-runtime.ts';

const rounds = Number(process.env['KILL_ROUNDS'] ?? 40);

describeContainers('a loader that is killed', (fixture) => {
  it(`leaves nothing, and a runtime that says so (${rounds} times)`, async function () {
    this.timeout(60_000 + rounds * 2000);
    const { bundle, id } = fixture();
    bundle.configure(['sleep', '60']);
    const server = new ServingRuntime();
    const call = (...args: string[]) =>
      server.call({ args: ['--root', bundle.root, ...args], cwd: bundle.directory });
    const seen = { failed: 0, created: 0 };
    try {
      expect(await call('create', id)).to.equal(0); // the first takes longer
      expect(await call('delete', '--force', id)).to.equal(0);
      for (let round = 0; round < rounds; round++) {
        const delayMs = Math.random() * 4;
        const when = `round ${round}, after ${delayMs.toFixed(1)} ms`;
        const creating = call('create', id);
        const answered = creating.then(() => true);
        const pause = () => new Promise<false>((resolve) => setImmediate(() => resolve(false)));
        while (descendantsOf(server.child.pid ?? 0).length === 0) {
          if (await Promise.race([answered, pause()])) break;
        }
        await delay(delayMs);
        // Either the loader or, every other time, the youngest below it.
        const victims = descendantsOf(server.child.pid ?? 0);
        const victim = round % 2 === 0 ? victims.at(0) : victims.at(-1);
        if (victim !== undefined) killQuietly(victim);
        const exitCode = await creating;
        if (exitCode === 0) {
          seen.created++;
          expect(await call('delete', '--force', id), when).to.equal(0);
        } else {
          seen.failed++;
          expect(exitCode, when).to.equal(1);
        }
        const left = () => leftoversOf(fixture());
        await waitFor('nothing is left', () => left().length === 0).catch(() => undefined);
        expect(left(), when).to.deep.equal([]);
      }
      expect(seen.failed, `creates that failed, of ${rounds}`).to.be.above(0);
    } finally {
      await server.end();
    }
  });
});

/** The children of `pid`, their children, and so on. */
function descendantsOf(pid: number): number[] {
  let text = '';
  try {
    text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  } catch {
    return []; // it ended
  }
  return text
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .flatMap((child) => [child, ...descendantsOf(child)]);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended
  }
}
