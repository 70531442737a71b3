import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { resolveUser } from '../../src/container-spec/user.ts';

const files = {
  read: (file: string): string | undefined =>
    ({
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n# comment\nweb:x:33:33::/:\nbroken\n',
      '/etc/group': 'root:x:0:\nwheel:x:10:root,web\nweb:x:33:\nlog:x:40:web\n',
    })[file],
};

describe('resolveUser', () => {
  it('is root with its groups when nobody is named', () => {
    expect(resolveUser('', [], files)).to.deep.equal({ uid: 0, gid: 0, additionalGids: [0, 10] });
  });

  it('takes group and further groups of a named user', () => {
    expect(resolveUser('web', [], files)).to.deep.equal({
      uid: 33,
      gid: 33,
      additionalGids: [33, 10, 40],
    });
  });

  it('takes a given group alone, and adds those that were asked for', () => {
    expect(resolveUser('web:log', ['wheel', '77'], files)).to.deep.equal({
      uid: 33,
      gid: 40,
      additionalGids: [40, 10, 77],
    });
  });

  it('accepts numbers that no file knows', () => {
    expect(resolveUser('1234:5678', [], { read: () => undefined })).to.deep.equal({
      uid: 1234,
      gid: 5678,
      additionalGids: [5678],
    });
  });

  it('takes a number for an id where a user or a group is called so, but for further groups', () => {
    const numbered = {
      read: (file: string): string =>
        file === '/etc/passwd' ? '33:x:1:1::/:\nweb:x:33:34::/:\n' : '50:x:2:\nlog:x:50:web\n',
    };
    expect(resolveUser('33', [], numbered)).to.deep.equal({
      uid: 33,
      gid: 34,
      additionalGids: [34, 50],
    });
    expect(resolveUser('33:50', ['50'], numbered)).to.deep.equal({
      uid: 33,
      gid: 50,
      additionalGids: [50, 2],
    });
  });

  it('refuses names that are not there, and numbers out of range', () => {
    expect(() => resolveUser('nobody', [], files)).to.throw(
      StackError,
      'unable to find user nobody: no matching entries in passwd file',
    );
    expect(() => resolveUser('web:none', [], files)).to.throw(StackError, 'unable to find group');
    expect(() => resolveUser('4294967295', [], files)).to.throw(StackError, 'must be in range');
  });
});
