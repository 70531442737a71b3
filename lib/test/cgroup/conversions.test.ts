import { expect } from 'chai';
import { cpuWeight, ioWeight, swapMax } from '#lib/cgroup/conversions';

describe('conversions to cgroup v2', () => {
  it('keep minimum, default and maximum of processor shares', () => {
    expect([2, 1024, 262144].map(cpuWeight)).to.deep.equal([1, 100, 10000]);
    expect(cpuWeight(512)).to.equal(59);
  });

  it('scale block I/O weights', () => {
    expect([10, 1000].map(ioWeight)).to.deep.equal([1, 10000]);
  });

  it('take the memory limit from the sum of memory and swap', () => {
    expect(swapMax(300, 100)).to.equal(200);
    expect(swapMax(100, 100)).to.equal(0);
    expect(swapMax(-1, 100)).to.equal('max');
    expect(swapMax(0, -1)).to.equal('max');
    expect(swapMax(0, 100)).to.equal(undefined);
    expect(() => swapMax(50, 100)).to.throw('50 is below the memory limit 100');
    expect(() => swapMax(50, undefined)).to.throw('without a memory limit');
  });
});
