import { expect } from 'chai';
import { posixSpawn } from '#lib/sys/posix-spawn';
import { peekExitedChild, reapChild } from '#lib/sys/wait';

/** Waits for the exit of a child without reaping it. */
async function ended(pid: number): Promise<void> {
  while (peekExitedChild() !== pid) await new Promise((resolve) => setTimeout(resolve, 5));
}

function shell(script: string): number {
  return posixSpawn({ path: '/bin/sh', argv: ['sh', '-c', script], descriptors: [] });
}

describe('peekExitedChild and reapChild', () => {
  it('show a zombie until it is reaped, with its exit status', async () => {
    const pid = shell('exit 7');
    await ended(pid);
    expect(peekExitedChild()).to.equal(pid);
    expect(reapChild(pid)).to.equal(7);
    expect(peekExitedChild()).not.to.equal(pid);
  });

  it('count a signal as 128 and its number', async () => {
    const pid = shell('kill -9 $$');
    await ended(pid);
    expect(reapChild(pid)).to.equal(137);
  });

  it('name what is no child', () => {
    expect(() => reapChild(1)).to.throw('wait4 1: ');
  });
});
