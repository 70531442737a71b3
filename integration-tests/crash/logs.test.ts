/** Daemons are killed while a container writes: it goes on, and every line is in its log once. */
import { expect } from 'chai';
import { setTimeout as delay } from 'node:timers/promises';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

describe('a container that writes a line each 10 ms', () => {
  const stacks: Stack[] = [];
  let stack: Stack;
  let busybox: string;

  before(async function () {
    needRoot(this);
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await Stack.start();
    stacks.push(stack);
    await stack.engineOk('pull', '-q', busybox);
  });

  after(async () => {
    for (const started of stacks) await started.stop();
  });

  async function startWriter(name: string): Promise<number> {
    const script = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done';
    await stack.engineOk('run', '-d', '--name', name, busybox, 'sh', '-c', script);
    return Number(await stack.engineOk('inspect', '-f', '{{.State.Pid}}', name));
  }

  async function lastLine(name: string): Promise<number> {
    const result = await stack.engine('logs', '--tail', '1', name);
    return result.status === 0 ? Number(result.stdout.trim()) : 0;
  }

  async function expectEveryLineOnce(name: string): Promise<void> {
    const before = await waitFor('more lines', () => lastLine(name));
    await waitFor('still more lines', async () => (await lastLine(name)) > before + 20);
    const lines = (await stack.engineOk('logs', name)).split('\n').map(Number);
    expect(lines).to.deep.equal(Array.from(lines, (_, index) => index + 1));
  }

  it('survives SIGKILL of engined', async function () {
    this.timeout(60_000);
    const pid = await startWriter('w1');
    for (let round = 0; round < 3; round++) {
      await delay(200 + round * 130);
      await stack.endEngined('SIGKILL');
      await delay(300);
      process.kill(pid, 0); // still there
      await stack.startEngined();
      await expectEveryLineOnce('w1');
    }
    expect(await stack.engineOk('inspect', '-f', '{{.State.Pid}}', 'w1')).to.equal(String(pid));
    await stack.engineOk('rm', '-f', 'w1');
  });

  it('survives SIGKILL of containerd-lite, which engined starts again', async function () {
    this.timeout(60_000);
    const pid = await startWriter('w2');
    const killed = stack.containerdPid;
    process.kill(killed, 'SIGKILL');
    await waitFor('a new containerd-lite', () => stack.containerdPid !== killed);
    process.kill(pid, 0);
    await waitFor(
      'an answer through all layers',
      async () => (await stack.engine('exec', 'w2', 'true')).status === 0,
      30_000,
    );
    await expectEveryLineOnce('w2');
    await stack.engineOk('rm', '-f', 'w2');
  });

  it('survives both at once, and its exit status is known', async function () {
    this.timeout(60_000);
    await startWriter('w3');
    process.kill(stack.containerdPid, 'SIGKILL');
    await stack.endEngined('SIGKILL');
    await delay(200);
    await stack.startEngined();
    await expectEveryLineOnce('w3');
    await stack.engineOk('kill', 'w3');
    expect(await stack.engineOk('wait', 'w3')).to.equal('137');
    await stack.engineOk('rm', 'w3');
  });

  it('is reported with the exit status that it had while engined was away', async function () {
    this.timeout(60_000);
    await stack.engineOk(
      'run',
      '-d',
      '--name',
      'w4',
      busybox,
      'sh',
      '-c',
      'echo last; sleep 1; exit 5',
    );
    await stack.endEngined('SIGKILL');
    await delay(1500);
    await stack.startEngined();
    expect(await stack.engineOk('wait', 'w4')).to.equal('5');
    expect(await stack.engineOk('logs', 'w4')).to.equal('last');
    await stack.engineOk('rm', 'w4');
  });
});
