import { expect } from 'chai';
import { SyscallError, check, errnoName, errnoNumber, libcFunction } from '#lib/sys/libc';

describe('libcFunction', () => {
  it('calls libc', () => {
    expect(libcFunction('int getpid()')()).to.equal(process.pid);
  });

  it('names call, subject and errno of what failed', () => {
    const chdir = libcFunction('int chdir(const char *path)');
    expect(() => check(chdir('/nope'), 'chdir', '/nope'))
      .to.throw(SyscallError, 'chdir /nope: ENOENT')
      .with.property('kind', 'not_found');
  });

  it('translates errno both ways', () => {
    expect(['EPERM', 'ECHILD'].map((name) => errnoName(errnoNumber(name)))).to.deep.equal([
      'EPERM',
      'ECHILD',
    ]);
    expect(() => errnoNumber('ENOTANERROR')).to.throw(RangeError);
  });
});
