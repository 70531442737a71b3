/** A shim's `runtime serve` is killed at any moment: of a create what was half made goes, all else is done all the same. */
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { messageOf } from '#spec/errors';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { leftoversOf } from '../runtime/leftovers.ts';
import { RealContainerd } from '../shim/real-containerd.ts';

const rounds = Number(process.env['KILL_ROUNDS'] ?? 15);

describe('the runtime that serves a shim, killed', () => {
  let containerd: RealContainerd;

  before(async function () {
    needRoot(this);
    needPeers(this, 'containerd');
    containerd = new RealContainerd();
    await containerd.start();
  });
  after(() => containerd.stop());

  it(`takes what a create had made along (${rounds} times)`, async function () {
    this.timeout(60_000 + rounds * 4000);
    const binary = executablePath('runtime');
    const { namespace, folder } = containerd;
    const bundle = { directory: folder, root: `/run/containerd/runc/${namespace}` };
    // The test has FIFOs of its own.
    const left = () =>
      leftoversOf({ bundle, id: namespace }).filter((line) => !line.startsWith('file '));
    const seen = { created: 0, killed: 0 };
    for (let round = 0; round < rounds; round++) {
      const id = `victim-${round}`;
      const delayMs = Math.random() * 30;
      const creating = containerd.create(id, { args: ['sleep', '60'], binary }).then(
        () => undefined,
        (error: unknown) => messageOf(error),
      );
      const server = await Promise.race([creating, serverOf(containerd, id)]);
      await delay(delayMs);
      if (typeof server === 'number') killQuietly(server);
      const failure = await creating;
      if (failure === undefined) {
        seen.created++;
        await containerd.client.tasks.start({ containerId: id });
        await containerd.remove(id);
      } else {
        seen.killed++;
        expect(failure).to.contain('the runtime was killed');
        await containerd.client.containers.delete({ id });
      }
      const when = `round ${round}, after ${delayMs.toFixed(1)} ms: ${failure ?? 'created'}`;
      await waitFor('nothing is left', () => left().length === 0).catch(() => undefined);
      expect(left(), when).to.deep.equal([]);
      expect(fs.existsSync(containerd.bundle(id)), when).to.equal(false);
    }
    expect(seen.killed, `creates that were killed, of ${rounds}`).to.be.above(0);
  });

  it('is replaced by a new one where it had been asked to start', async () => {
    const id = 'started';
    const binary = executablePath('runtime');
    const creating = containerd.create(id, { args: ['sleep', '60'], binary });
    const server = await serverOf(containerd, id);
    await creating;
    process.kill(server, 'SIGSTOP'); // it is asked, and cannot answer
    const starting = containerd.client.tasks.start({ containerId: id });
    await delay(100);
    process.kill(server, 'SIGKILL');
    await starting;
    const { process: init } = await containerd.client.tasks.get({ containerId: id });
    expect(init?.status).to.equal('RUNNING');
    await containerd.remove(id);
  });
});

/** Pid of the `runtime serve` below the shim of `id`, once there is one. */
function serverOf(containerd: RealContainerd, id: string): Promise<number> {
  return waitFor('the runtime of the shim', () => {
    const file = `${containerd.bundle(id)}/shim.pid`;
    const shim = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    if (shim === '') return undefined;
    const children = readQuietly(`/proc/${shim}/task/${shim}/children`).split(' ').filter(Boolean);
    const server = children.find((pid) => readQuietly(`/proc/${pid}/cmdline`).includes('\0serve'));
    return server === undefined ? undefined : Number(server);
  });
}

function readQuietly(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it had retired
  }
}
