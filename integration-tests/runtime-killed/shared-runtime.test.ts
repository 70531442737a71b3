/** The runtime that the shims of a containerd-lite have in common: what it does, for whom, and what its death means. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { messageOf } from '#spec/errors';
import { needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { leftoversOf } from '../runtime/leftovers.ts';
import { RealContainerd } from '../shim/real-containerd.ts';

const rounds = Number(process.env['KILL_ROUNDS'] ?? 15);
const binary = executablePath('runtime');

describe('the runtime that all shims have in common', () => {
  let containerd: RealContainerd;
  let socket: string;

  before(async function () {
    needRoot(this);
    containerd = new RealContainerd({ daemon: 'containerd-lite', binary: '' });
    socket = path.join(containerd.folder, 'state/runtime.sock');
    await containerd.start();
  });
  after(() => containerd.stop());

  const findServing = async () => {
    if (!(await isAnswered(socket))) return undefined;
    const isServing = (pid: number) => words(pid).includes(socket) && words(pid).includes('serve');
    return processes().find((pid) => isServing(pid) && !isStopped(pid));
  };
  /** Its pid, once it listens. */
  const serving = () => waitFor('the runtime', findServing);
  /** What there is of containers and of what makes them. */
  const left = () => {
    const bundle = {
      directory: containerd.folder,
      root: path.join(containerd.folder, 'state/runtime', containerd.namespace),
    };
    return leftoversOf({ bundle, id: containerd.namespace }).filter(
      (line) => !line.startsWith('file '), // the test has FIFOs, and containerd-lite sockets, of their own
    );
  };
  const expectNothing = async (when: string) => {
    await waitFor('nothing is left', () => left().length === 0).catch(() => undefined);
    expect(left(), when).to.deep.equal([]);
  };

  it('makes containers that are children of their shims, as are their execs', async () => {
    const runtime = await serving();
    const ids = ['a', 'b', 'c'];
    await Promise.all(ids.map((id) => containerd.create(id, { args: ['sleep', '60'] })));
    await Promise.all(ids.map((id) => containerd.client.tasks.start({ containerId: id })));
    const shims = ids.map((id) => containerd.shimPid(id));
    expect(new Set(shims).size).to.equal(ids.length);
    const { pid } = await containerd.exec('a', 'e', { args: ['sleep', '60'] });
    expect(parentOf(pid)).to.equal(shims[0]);
    for (const shim of shims) expect(words(shim).at(0)).to.contain('containerd-shim-lite-v2');
    expect(childrenOf(runtime)).to.deep.equal([]);
    expect(shims.flatMap(childrenOf).filter((child) => words(child).includes('serve'))).to.be.empty;
    for (const id of ids) expect((await containerd.remove(id)).exitStatus).to.equal(137);
    await expectNothing('after three containers');
    expect(await serving()).to.equal(runtime);
  });

  it('reports what went wrong, and that is undone', async () => {
    const failure = await containerd.create('missing', { args: ['/no/such/file'] }).then(
      (): unknown => undefined,
      (error: unknown) => error,
    );
    expect(messageOf(failure)).to.contain('no such file or directory');
    await containerd.client.containers.delete({ id: 'missing' });
    await expectNothing('after a failure');
  });

  it(`takes what it had made along when it is killed (${rounds} times)`, async function () {
    this.timeout(60_000 + rounds * 4000);
    let killed = 0;
    for (let round = 0; round < rounds; round++) {
      const id = `victim-${round}`;
      const delayMs = Math.random() * 60;
      const runtime = await serving();
      const idle = descriptorsOf(runtime);
      const creating = containerd.create(id, { args: ['sleep', '60'] }).then(
        () => undefined,
        (error: unknown) => messageOf(error),
      );
      const answered = creating.then(() => true);
      const pause = () => new Promise<false>((resolve) => setImmediate(() => resolve(false)));
      while (descriptorsOf(runtime) <= idle) if (await Promise.race([answered, pause()])) break;
      await delay(delayMs);
      process.kill(runtime, 'SIGKILL');
      const failure = await creating;
      if (failure === undefined) {
        await containerd.client.tasks.start({ containerId: id });
        await containerd.remove(id);
      } else {
        killed++;
        expect(failure).to.contain('the runtime was killed');
        await containerd.client.containers.delete({ id });
      }
      const when = `round ${round}, after ${delayMs.toFixed(1)} ms: ${failure ?? 'created'}`;
      await expectNothing(when);
      expect(fs.existsSync(containerd.bundle(id)), when).to.equal(false);
    }
    expect(killed, `creates that were killed, of ${rounds}`).to.be.above(0);
  });

  it('is done without while it hangs, until another takes its place', async () => {
    const hanging = await serving();
    process.kill(hanging, 'SIGSTOP');
    try {
      let id = 0;
      const next = await waitFor('another runtime', async () => {
        const patient = `patient-${id++}`;
        await containerd.create(patient, { args: ['sleep', '60'] });
        await containerd.client.tasks.start({ containerId: patient });
        await containerd.remove(patient);
        return findServing();
      });
      await containerd.create('afterwards', { args: ['sleep', '60'] });
      await containerd.remove('afterwards');
      process.kill(hanging, 'SIGCONT');
      await waitFor('the end of the one that hung', () => words(hanging).length === 0);
      expect(await serving()).to.equal(next);
    } finally {
      if (words(hanging).length > 0) process.kill(hanging, 'SIGCONT');
    }
    await expectNothing('after a runtime that hung');
  });

  it('serves others while one that it serves is stopped', async () => {
    const runtime = await serving();
    const stopped = net.connect(socket);
    await new Promise((resolve) => stopped.once('data', resolve)); // it is this one's turn
    const started = performance.now();
    await containerd.create('other', { args: ['sleep', '60'] });
    expect(performance.now() - started).to.be.below(20_000);
    stopped.destroy();
    await containerd.remove('other');
    expect(await serving()).to.equal(runtime);
  });

  it('runs no programs of others', async () => {
    const runtime = await serving();
    const file = path.join(containerd.folder, 'parent');
    const args = ['sh', '-c', `cat /proc/$PPID/cmdline | tr '\\0' ' ' > ${file}`];
    const hooks = { createRuntime: [{ path: '/bin/sh', args }] };
    await containerd.create('hooked', { args: ['sleep', '60'], hooks });
    expect(fs.readFileSync(file, 'utf8'))
      .to.contain(`${path.basename(binary)}.cjs`)
      .and.contain(' create ');
    await containerd.remove('hooked');
    expect(await serving()).to.equal(runtime);
  });

  it('ends with containerd-lite; its shims find the next one', async () => {
    const first = await serving();
    await containerd.create('lasting', { args: ['sleep', '60'] });
    await containerd.end('SIGKILL');
    await waitFor('its end', () => words(first).length === 0);
    await containerd.start();
    const second = await serving();
    expect(second).not.to.equal(first);
    await containerd.client.tasks.start({ containerId: 'lasting' });
    await containerd.remove('lasting');
    await expectNothing('after a restart');
    await containerd.end('SIGTERM');
    expect(words(second)).to.deep.equal([]);
    expect(fs.existsSync(socket)).to.equal(false);
    await containerd.start();
  });
});

function processes(): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Of its command line; none for a process that has ended. */
function words(pid: number): string[] {
  return readQuietly(`/proc/${pid}/cmdline`)
    .split(/[\0 ]+/)
    .filter((word) => word !== '');
}

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readQuietly(`/proc/${pid}/status`));
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readQuietly(`/proc/${pid}/status`))?.[1]);
}

function childrenOf(pid: number): number[] {
  return readQuietly(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** One more while it has a caller, and further ones while it creates. */
function descriptorsOf(pid: number): number {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

function isAnswered(socket: string): Promise<boolean> {
  const connection = net.connect(socket);
  return new Promise<boolean>((resolve) => {
    connection.once('data', () => resolve(true));
    connection.once('error', () => resolve(false));
    connection.once('close', () => resolve(false));
    connection.setTimeout(1000, () => resolve(false)); // it hangs
  }).finally(() => connection.destroy());
}

function readQuietly(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended
  }
}
