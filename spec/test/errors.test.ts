import { expect } from 'chai';
import { StackError, errorCode, isStackError } from '#spec/errors';

describe('StackError', () => {
  it('is told apart by kind', () => {
    const error: unknown = new StackError('not_found', 'no such thing');
    expect(isStackError(error, 'not_found')).to.equal(true);
    expect(isStackError(error, 'conflict')).to.equal(false);
    expect(isStackError(new Error('x'))).to.equal(false);
  });

  it('reads the code of a Node error', () => {
    expect(errorCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).to.equal('ENOENT');
    expect(errorCode('text')).to.equal(undefined);
  });
});
