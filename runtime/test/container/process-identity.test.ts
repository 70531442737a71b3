import { expect } from 'chai';
import { isAlive, readProcessStat } from '../../src/container/process-identity.ts';

describe('isAlive', () => {
  it('knows this process by its start time', () => {
    const stat = readProcessStat(process.pid);
    expect(stat?.startTime).to.match(/^\d+$/);
    expect(isAlive(process.pid, stat!.startTime)).to.be.true;
  });

  it('does not take another process under the same pid for it', () => {
    expect(isAlive(process.pid, '1')).to.be.false;
  });

  it('says no for a pid that nobody has, and for none', () => {
    expect(isAlive(0x3fffff, '1')).to.be.false;
    expect(isAlive(0, '1')).to.be.false;
  });
});
