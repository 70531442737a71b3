import { expect } from 'chai';
import { CAP_LAST_CAP, capabilityName, capabilityNumber } from '#spec/capabilities';
import { RLIM_INFINITY, rlimitValue } from '#spec/rlimits';
import { parseSignal, signalName } from '#spec/signals';

describe('signals', () => {
  it('are read as people write them', () => {
    const texts = ['SIGTERM', 'term', '15', 'IOT', 'RTMIN', 'SIGRTMIN+3', 'RTMAX-1', 'SIGRTMAX'];
    expect(texts.map(parseSignal)).to.deep.equal([15, 15, 15, 6, 34, 37, 63, 64]);
  });

  it('are refused by name', () => {
    for (const text of ['', '0', '65', 'SIGFOO', 'RTMIN+31', 'RTMIN-1', 'constructor']) {
      expect(() => parseSignal(text), text).to.throw(`unknown signal "${text}"`);
    }
  });

  it('have one name for each number', () => {
    for (let number = 1; number <= 64; number++) {
      const name = signalName(number);
      if (number === 32 || number === 33) expect(name).to.equal(undefined);
      else expect(parseSignal(name ?? '')).to.equal(number);
    }
  });
});

describe('capabilities', () => {
  it('have the numbers of the kernel', () => {
    expect(CAP_LAST_CAP).to.equal(40);
    expect(capabilityNumber('CAP_SYS_ADMIN')).to.equal(21);
    expect(capabilityName(40)).to.equal('CAP_CHECKPOINT_RESTORE');
    expect(capabilityNumber('SYS_ADMIN')).to.equal(undefined);
  });
});

describe('rlimitValue', () => {
  it('undoes the rounding of JSON.parse', () => {
    expect(rlimitValue(JSON.parse('18446744073709551615') as number)).to.equal(RLIM_INFINITY);
    expect(rlimitValue(1024)).to.equal(1024n);
  });
});
