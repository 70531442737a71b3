import { expect } from 'chai';
import { PreparedPool } from '../../src/network/prepared-pool.ts';

describe('PreparedPool', () => {
  function poolOf(size: number, limit = Infinity) {
    const state = { made: 0, destroyed: [] as number[], failures: 0 };
    const pool = new PreparedPool<number>({
      size,
      quietMs: 0,
      create: async () => {
        if (state.made >= limit) throw new Error('no more');
        return ++state.made;
      },
      destroy: async (item) => void state.destroyed.push(item),
      failed: () => state.failures++,
    });
    return { pool, state };
  }

  it('has nothing before it is filled, then what was made first', async () => {
    const { pool } = poolOf(2);
    expect(pool.take()).to.be.undefined;
    await settled();
    expect([pool.take(), pool.take()]).to.deep.equal([1, 2]);
  });

  it('destroys what nobody took, and makes no more', async () => {
    const { pool, state } = poolOf(3);
    pool.fill();
    await settled();
    await pool.close();
    pool.fill();
    await settled();
    expect(state).to.deep.include({ made: 3, destroyed: [1, 2, 3] });
    expect(pool.take()).to.be.undefined;
  });

  it('reports a failure once and tries again when one is taken', async () => {
    const { pool, state } = poolOf(2, 1);
    pool.fill();
    await settled();
    expect(state).to.deep.include({ made: 1, failures: 1 });
    expect(pool.take()).to.equal(1);
    await settled();
    expect(state.failures).to.equal(2);
    await pool.close();
  });

  it('lets a taker wait for the item that is being made', async () => {
    const { pool } = poolOf(1);
    pool.fill();
    expect(await pool.takeNext()).to.equal(1);
    await pool.close();
  });

  /** Lets promises and timers that are due run. */
  function settled(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 5));
  }
});
