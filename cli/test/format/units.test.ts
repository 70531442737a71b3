import { expect } from 'chai';
import { humanSize, parseBytes, parseInteger, parseNanoCpus } from '../../src/format/units.ts';

describe('units', () => {
  it('prints sizes as docker does', () => {
    expect(
      [0, 999, 1_980_000, 199_000_000, 1_234_567_890].map((size) => humanSize(size)),
    ).to.deep.equal(['0B', '999B', '1.98MB', '199MB', '1.23GB']);
  });

  it('reads memory sizes in binary multiples', () => {
    expect(
      ['32m', '1g', '512', '1.5k', '2MiB'].map((value) => parseBytes(value, '-m')),
    ).to.deep.equal([33554432, 1073741824, 512, 1536, 2097152]);
    expect(() => parseBytes('lots', '-m, --memory')).to.throw(
      'invalid argument "lots" for "-m, --memory" flag',
    );
  });

  it('reads processors and whole numbers', () => {
    expect(parseNanoCpus('0.5', '--cpus')).to.equal(500_000_000);
    expect(() => parseNanoCpus('half', '--cpus')).to.throw('half');
    expect(parseInteger('-1', '--pids-limit')).to.equal(-1);
    expect(() => parseInteger('1.5', '--pids-limit')).to.throw('--pids-limit');
  });
});
