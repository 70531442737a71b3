import { expect } from 'chai';
import {
  chainIdOf,
  chainIdsOf,
  digestOf,
  Digester,
  isDigest,
  parseDigest,
  type Digest,
} from '#spec/digest';
import { isStackError } from '#spec/errors';

const emptySha256 = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('parseDigest', () => {
  it('accepts sha256, sha384 and sha512', () => {
    for (const [algorithm, digits] of [
      ['sha256', 64],
      ['sha384', 96],
      ['sha512', 128],
    ] as const) {
      const text = `${algorithm}:${'0a'.repeat(digits / 2)}`;
      expect(parseDigest(text)).to.equal(text);
      expect(isDigest(text)).to.equal(true);
    }
  });

  it('names what is wrong', () => {
    const wrong = [
      ['', 'algorithm:hex'],
      ['sha256', 'algorithm:hex'],
      ['md5:d41d8cd98f00b204e9800998ecf8427e', 'algorithm "md5"'],
      ['sha256:abc', '64 hexadecimal digits, this has 3'],
      [emptySha256.toUpperCase().replace('SHA', 'sha'), 'lower-case'],
      [`sha256:${'../'.repeat(21)}x`, 'lower-case'],
    ] as const;
    for (const [text, reason] of wrong) {
      expect(isDigest(text), text).to.equal(false);
      try {
        parseDigest(text);
        expect.fail(`accepted ${text}`);
      } catch (error) {
        expect(isStackError(error, 'invalid_argument'), String(error)).to.equal(true);
        expect(String(error)).to.include(reason).and.include(`"${text}"`);
      }
    }
  });
});

describe('digestOf and Digester', () => {
  it('agree', () => {
    const digester = new Digester();
    digester.update(Buffer.from('a'));
    digester.update(Buffer.from('b'));
    expect(digester.digest()).to.equal(digestOf('ab'));
    expect(digestOf('')).to.equal(emptySha256);
  });
});

describe('chainIdOf', () => {
  const a: Digest = digestOf('a');
  const b: Digest = digestOf('b');
  const c: Digest = digestOf('c');

  it('is the diff ID for one layer, and hashes pairs above', () => {
    expect(chainIdOf([])).to.equal(undefined);
    expect(chainIdOf([a])).to.equal(a);
    expect(chainIdOf([a, b])).to.equal(digestOf(`${a} ${b}`));
    expect(chainIdOf([a, b, c])).to.equal(digestOf(`${digestOf(`${a} ${b}`)} ${c}`));
  });

  it('names every prefix', () => {
    expect(chainIdsOf([a, b, c])).to.deep.equal([
      chainIdOf([a]),
      chainIdOf([a, b]),
      chainIdOf([a, b, c]),
    ]);
  });
});
