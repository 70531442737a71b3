import { expect } from 'chai';
import { setTimeout as delay } from 'node:timers/promises';
import { IdleMemory } from '#lib/memory/idle-memory';

describe('IdleMemory', () => {
  it('collects once when nothing is done, and again after something was', async () => {
    let collected = 0;
    const memory = new IdleMemory(10, () => collected++);
    await delay(60);
    expect(collected).to.equal(1);
    memory.touch();
    memory.touch();
    await delay(60);
    expect(collected).to.equal(2);
    memory.touch();
    memory.stop();
    await delay(60);
    expect(collected).to.equal(2);
  });

  it('frees what nobody holds', async () => {
    const garbage = new WeakRef({ large: Array.from({ length: 1000 }, String) });
    const memory = new IdleMemory(1);
    await delay(200);
    expect(garbage.deref()).to.equal(undefined);
    memory.stop();
  });
});
