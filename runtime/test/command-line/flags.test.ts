import { expect } from 'chai';
import { parseFlags, type FlagSpecs } from '../../src/command-line/flags.ts';

const specs: FlagSpecs = {
  bundle: { kind: 'string', alias: 'b', help: '' },
  detach: { kind: 'boolean', alias: 'd', help: '' },
  'preserve-fds': { kind: 'number', help: '' },
  memory: { kind: 'size', help: '' },
  env: { kind: 'list', alias: 'e', help: '' },
};

describe('parseFlags', () => {
  it('takes one dash and two, values after = and after a space', () => {
    const flags = parseFlags(['-b', '/x', '--detach', '--preserve-fds=3', 'box'], specs);
    expect(flags.text('bundle')).to.equal('/x');
    expect(flags.has('detach')).to.be.true;
    expect(flags.number('preserve-fds')).to.equal(3);
    expect(flags.positional).to.deep.equal(['box']);
  });

  it('ends at the first word that is no flag: the rest belongs to the command', () => {
    const flags = parseFlags(['-d', 'box', 'sh', '-c', '--detach=false'], specs);
    expect(flags.has('detach')).to.be.true;
    expect(flags.positional).to.deep.equal(['box', 'sh', '-c', '--detach=false']);
  });

  it('collects a list', () => {
    const flags = parseFlags(['-e', 'A=1', '-e', 'B=2=3'], specs);
    expect(flags.list('env')).to.deep.equal(['A=1', 'B=2=3']);
  });

  it('turns a boolean off', () => {
    expect(parseFlags(['--detach=false'], specs).has('detach')).to.be.false;
  });

  for (const [written, bytes] of [
    ['512', 512],
    ['-1', -1],
    ['1k', 1024],
    ['100M', 100 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['2 tb', 2 * 2 ** 40],
    ['7B', 7],
  ] as const) {
    it(`takes ${written} as ${bytes} bytes`, () => {
      expect(parseFlags([`--memory=${written}`], specs).bytes('memory')).to.equal(bytes);
    });
  }

  for (const [problem, args] of [
    ['invalid value "" for flag -memory', ['--memory=']],
    ['invalid value "1X" for flag -memory', ['--memory', '1X']],
    ['invalid value "-2" for flag -memory', ['--memory', '-2']],
    ['flag provided but not defined: -nope', ['--nope']],
    ['flag provided but not defined: -constructor', ['--constructor']],
    ['flag needs an argument: -bundle', ['--bundle']],
    ['invalid value "x" for flag -preserve-fds', ['--preserve-fds', 'x']],
    ['invalid value "yes" for flag -detach', ['--detach=yes']],
  ] as const) {
    it(`says: ${problem}`, () => {
      expect(() => parseFlags(args, specs)).to.throw(problem);
    });
  }
});
