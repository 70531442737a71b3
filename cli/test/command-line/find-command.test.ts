import { expect } from 'chai';
import { catalogue } from '../../src/command-line/catalogue.ts';
import { findCommand } from '../../src/command-line/find-command.ts';

describe('findCommand', () => {
  it('knows commands by all their names, and calls them by the first of their group', () => {
    const name = (...words: string[]): string => {
      const found = findCommand(words);
      return found.kind === 'command' ? found.name : found.kind;
    };
    expect(name('ps', '-a')).to.equal('ps');
    expect(name('container', 'list')).to.equal('container ls');
    expect(name('image', 'remove', 'x')).to.equal('image rm');
    expect(name('rmi')).to.equal('rmi');
    expect(name('container', '--help')).to.equal('group');
    expect(name('build', '.')).to.equal('missing');
    expect(name('container', 'frob')).to.equal('unknown');
    expect(name('constructor')).to.equal('unknown');
  });

  it('loads every command of the catalogue, no name twice', async () => {
    const names = catalogue.flatMap((entry) => entry.names);
    expect(new Set(names).size).to.equal(names.length);
    for (const {
      load,
      names: [name],
    } of catalogue) {
      expect(await load(), name).to.have.property('synopsis');
    }
  });
});
