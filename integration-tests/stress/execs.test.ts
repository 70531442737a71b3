/** Execs by the hundred: each exit code is right, and neither zombies nor records stay behind. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { restingFootprint, settleFootprint, zombieChildren } from '../harness/footprint.ts';
import { inParallel } from './load.ts';
import { waitFor } from '../harness/wait.ts';

const factor = Number(process.env['STRESS'] ?? 1);

describe('many execs in one container', () => {
  const stacks: Stack[] = [];
  let stack: Stack;
  let id: string;
  let pid: number;

  before(async function () {
    needRoot(this);
    const busybox = `${await devRegistry(this)}/busybox`;
    stack = await Stack.start();
    stacks.push(stack);
    id = await stack.engineOk('run', '-d', '--name', 'execs', busybox, 'sleep', '10000');
    pid = Number(await stack.engineOk('inspect', '-f', '{{.State.Pid}}', id));
  });

  after(async () => {
    for (const started of stacks) await started.stop();
  });

  /** Exit codes of `count` execs, `width` at a time, that ask for the codes 0, 1, 2 … and print their number. */
  async function execs(count: number, width: number): Promise<void> {
    const before = await restingFootprint(stack, [id]);
    const results = await inParallel(width, count, (index) =>
      stack.engine('exec', 'execs', 'sh', '-c', `echo ${index}; exit ${index % 256}`),
    );
    for (const [index, { status, stdout, stderr }] of results.entries()) {
      expect({ status, stdout, stderr }).to.deep.equal({
        status: index % 256,
        stdout: `${index}\n`,
        stderr: '',
      });
    }
    expect(await settleFootprint(stack, before, [id])).to.deep.equal([]);
    expectNoZombies();
  }

  function expectNoZombies(): void {
    expect(zombieChildren(pid), 'in the container').to.deep.equal([]);
    expect(zombieChildren(shimOf(stack, id)), 'under the shim').to.deep.equal([]);
  }

  it('one after another', async function () {
    this.timeout(120_000 * factor);
    await execs(40 * factor, 1);
  });

  it('twenty at once', async function () {
    this.timeout(120_000 * factor);
    await execs(40 * factor, 20);
  });

  it('leave orphans to the shim when they share the pid namespace of the host', async function () {
    this.timeout(120_000);
    const name = 'orphans';
    // Each `sh` ends before its child does: the child's parent is then the nearest subreaper.
    const script =
      'i=0; while [ $i -lt 200 ]; do i=$((i+1)); sh -c "sleep 0.3 &"; done; echo made; exec sleep 10000';
    const busybox = await stack.engineOk('inspect', '-f', '{{.Config.Image}}', id);
    const orphans = await stack.engineOk(
      ...['run', '-d', '--name', name, '--pid', 'host', busybox, 'sh', '-c', script],
    );
    await waitFor(
      'all orphans',
      async () => (await stack.engineOk('logs', name)) === 'made',
      60_000,
    );
    const shim = shimOf(stack, orphans);
    await waitFor('the end of the orphans', () => childrenOf(shim) === 1, 20_000);
    expect(zombieChildren(shim)).to.deep.equal([]);
    await stack.engineOk('rm', '-f', name);
  });
});

/** pid of a container's shim, from its bundle. */
function shimOf({ root }: Stack, id: string): number {
  const bundles = 'run/containerd-lite/state/io.containerd.runtime.v2.task/engine';
  return Number(fs.readFileSync(path.join(root, bundles, id, 'shim.pid'), 'utf8'));
}

function childrenOf(pid: number): number {
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? 0 : children.split(' ').length;
}
