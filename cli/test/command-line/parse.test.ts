import { expect } from 'chai';
import { boolean, list, missing, text } from '../../src/command-line/flags.ts';
import { UsageError, parseArguments } from '../../src/command-line/parse.ts';

const table = {
  rm: boolean('remove'),
  tty: boolean('terminal', 't'),
  interactive: boolean('stdin', 'i'),
  'sig-proxy': boolean('proxy', undefined, true),
  env: list('environment', 'e'),
  name: text('name'),
  ...missing('link'),
};

const parse = (...args: string[]) => parseArguments(table, args, { interspersed: false });

describe('parseArguments', () => {
  it('takes letters together, the last with its value', () => {
    const { values, positional } = parse('-itea=b', 'image', '-t', '--rm');
    expect(values).to.include({ interactive: true, tty: true, rm: false });
    expect(values.env).to.deep.equal(['a=b']);
    expect(positional).to.deep.equal(['image', '-t', '--rm']);
  });

  it('reads booleans with and without a value', () => {
    expect(parse('--rm=false', '--sig-proxy=0', '-t=true').values).to.include({
      rm: false,
      'sig-proxy': false,
      tty: true,
    });
    expect(() => parse('--rm=maybe')).to.throw(
      UsageError,
      'invalid argument "maybe" for "--rm" flag',
    );
  });

  it('collects lists and keeps the last text', () => {
    const { values } = parse('-e', 'a', '-e=b', '--env=c=d', '--name', 'x', '--name=y');
    expect(values.env).to.deep.equal(['a', 'b', 'c=d']);
    expect(values.name).to.equal('y');
  });

  it('takes flags after positional arguments only where they are its own', () => {
    const { values, positional } = parseArguments(table, ['a', '--rm', '--', '-t'], {
      interspersed: true,
    });
    expect(values.rm).to.equal(true);
    expect(positional).to.deep.equal(['a', '-t']);
  });

  it('names what it does not understand', () => {
    expect(() => parse('--nope=1')).to.throw(UsageError, /^unknown flag: --nope$/);
    expect(() => parse('-ix')).to.throw(UsageError, "unknown shorthand flag: 'x' in -ix");
    expect(() => parse('--name')).to.throw(UsageError, 'flag needs an argument: --name');
    expect(() => parse('--link=a')).to.throw(UsageError, 'flag --link is not implemented yet');
    expect(() => parse('--__proto__')).to.throw(UsageError, 'unknown flag');
  });
});
