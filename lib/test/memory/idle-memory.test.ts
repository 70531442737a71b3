import { expect } from 'chai';
import { setTimeout as delay } from 'node:timers/promises';
import { IdleMemory } from '#lib/memory/idle-memory';

describe('IdleMemory', () => {
  let collected: number;
  const collect = (): void => {
    collected += 1;
  };
  beforeEach(() => (collected = 0));

  it('collects once when nothing is done, and again after something was', async () => {
    const memory = new IdleMemory({ idleMs: 10, collect });
    await delay(60);
    expect(collected, 'before anything was done').to.equal(0);
    memory.touch();
    await delay(60);
    expect(collected).to.equal(1);
    memory.touch();
    memory.touch();
    await delay(60);
    expect(collected).to.equal(2);
    memory.touch();
    memory.stop();
    memory.touch();
    await delay(60);
    expect(collected, 'after it was stopped').to.equal(2);
  });

  it('waits while something is being done', async () => {
    const memory = new IdleMemory({ idleMs: 200, collect });
    for (let n = 0; n < 10; n++) {
      memory.touch();
      await delay(40);
    }
    expect(collected).to.equal(0);
    memory.stop();
  });

  it('pauses between collections, and makes up for what it put off', async () => {
    const memory = new IdleMemory({ idleMs: 5, leastPauseMs: 300, collect });
    memory.touch();
    await delay(100);
    expect(collected).to.equal(1);
    memory.touch();
    await delay(60);
    expect(collected, 'within the pause').to.equal(1);
    await delay(400);
    expect(collected, 'after the pause').to.equal(2);
    memory.stop();
  });

  it('collects only what is worth it', async () => {
    let residentBytes = 100;
    const residentMemory = (): number => residentBytes;
    const memory = new IdleMemory({ idleMs: 5, leastGrowthBytes: 10, collect, residentMemory });
    memory.touch();
    await delay(60);
    expect(collected, 'the first time').to.equal(1);
    residentBytes = 109;
    memory.touch();
    await delay(60);
    expect(collected, 'after a little growth').to.equal(1);
    residentBytes = 110;
    memory.touch();
    await delay(60);
    expect(collected, 'after more growth').to.equal(2);
    memory.stop();
  });

  it('frees what nobody holds', async () => {
    const garbage = new WeakRef({ large: Array.from({ length: 1000 }, String) });
    const memory = new IdleMemory({ idleMs: 1 });
    memory.touch();
    await delay(200);
    expect(garbage.deref()).to.equal(undefined);
    memory.stop();
  });
});
