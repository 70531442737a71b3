import { expect } from 'chai';
import {
  planCopy,
  splitCopyArgument,
  splitPath,
  type CopyPlace,
} from '../../src/copy/copy-path.ts';

const file = (path: string): CopyPlace => ({ path, exists: true, isDirectory: false });
const directory = (path: string): CopyPlace => ({ path, exists: true, isDirectory: true });
const nothing = (path: string): CopyPlace => ({ path, exists: false, isDirectory: false });

describe('splitCopyArgument', () => {
  it('takes what begins with / or . for a path of this machine', () => {
    expect(splitCopyArgument('web:/a:b')).to.deep.equal({ container: 'web', path: '/a:b' });
    expect(splitCopyArgument('./web:a')).to.deep.equal({ container: '', path: './web:a' });
    expect(splitCopyArgument('/web:a')).to.deep.equal({ container: '', path: '/web:a' });
    expect(splitCopyArgument('plain')).to.deep.equal({ container: '', path: 'plain' });
  });
});

describe('splitPath', () => {
  it('keeps the dot that says: the content', () => {
    expect(splitPath('/a/b')).to.deep.equal({ folder: '/a', base: 'b' });
    expect(splitPath('/a/b/')).to.deep.equal({ folder: '/a', base: 'b' });
    expect(splitPath('/a/b/.')).to.deep.equal({ folder: '/a/b', base: '.' });
    expect(splitPath('/')).to.deep.equal({ folder: '/', base: '/' });
  });
});

describe('planCopy', () => {
  it('puts things into a directory under their own name', () => {
    expect(planCopy(file('/s/one'), directory('/t'))).to.deep.equal({
      folder: '/t',
      rename: undefined,
    });
  });

  it('gives them the name of what is there, or is to be', () => {
    const rename = { from: 'one', to: 'two' };
    expect(planCopy(file('/s/one'), file('/t/two'))).to.deep.equal({ folder: '/t', rename });
    expect(planCopy(file('/s/one'), nothing('/t/two'))).to.deep.equal({ folder: '/t', rename });
    expect(planCopy(directory('/s/d/.'), nothing('/t/new/'))).to.deep.equal({
      folder: '/t',
      rename: { from: '.', to: 'new' },
    });
  });

  it('refuses a directory over a file, and a file for a directory that is not there', () => {
    expect(() => planCopy(directory('/s'), file('/t'))).to.throw('cannot copy directory');
    expect(() => planCopy(file('/s'), nothing('/t/'))).to.throw('no such directory');
  });
});
