import { expect } from 'chai';
import { Turns } from '../../src/concurrency/turns.ts';

describe('Turns', () => {
  it('lets actions with one key wait for each other, failed or not', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = turns.take('web', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push('first');
      throw new Error('failed');
    });
    const second = turns.take('web', async () => order.push('second'));
    await turns.take('db', async () => order.push('other'));
    const failure = await first.catch((error: unknown) => error);
    await second;
    expect(failure).to.be.instanceOf(Error);
    expect(order).to.deep.equal(['other', 'first', 'second']);
  });
});
