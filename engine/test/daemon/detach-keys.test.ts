import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { DetachDetector, parseDetachKeys } from '../../src/daemon/detach-keys.ts';

describe('parseDetachKeys', () => {
  it('reads control keys and characters, ctrl-p ctrl-q by default', () => {
    expect([...parseDetachKeys('')]).to.deep.equal([0x10, 0x11]);
    expect([...parseDetachKeys('ctrl-@,a,ctrl-[')]).to.deep.equal([0, 97, 27]);
  });

  it('refuses other keys', () => {
    expect(() => parseDetachKeys('shift-a')).to.throw(StackError, 'invalid escape keys');
  });
});

describe('DetachDetector', () => {
  it('finds the sequence across chunks and holds it back', () => {
    const detector = new DetachDetector(parseDetachKeys(''));
    expect(detector.feed(Buffer.from('ab\x10'))).to.deep.equal({
      pass: Buffer.from('ab'),
      detach: false,
    });
    expect(detector.feed(Buffer.from('\x11rest')).detach).to.equal(true);
  });

  it('passes on a sequence that was not completed', () => {
    const detector = new DetachDetector(parseDetachKeys(''));
    detector.feed(Buffer.from('\x10'));
    expect(detector.feed(Buffer.from('x')).pass.toString()).to.equal('\x10x');
    expect(detector.feed(Buffer.from('\x10\x10\x11')).detach).to.equal(true);
  });
});
