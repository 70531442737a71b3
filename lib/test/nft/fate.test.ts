import { expect } from 'chai';
import { fateIn } from '#lib/nft/fate';
import type { Rule } from '#lib/nft/ruleset';

describe('fateIn', () => {
  const rule = (chain: string, verdict: Rule['verdict'], more: Partial<Rule> = {}): Rule => ({
    ...{
      chain,
      handle: 1n,
      comment: undefined,
      conditional: false,
      target: undefined,
      oifname: undefined,
    },
    verdict,
    ...more,
  });

  it('is open where no rule decides', () => {
    expect(fateIn('FORWARD', [])).to.equal('passed on');
    expect(fateIn('FORWARD', [rule('FORWARD', undefined), rule('INPUT', 'drop')])).to.equal(
      'passed on',
    );
  });

  it('skips rules with conditions', () => {
    const rules = [rule('FORWARD', 'drop', { conditional: true }), rule('FORWARD', 'accept')];
    expect(fateIn('FORWARD', rules)).to.equal('accepted');
  });

  it('follows jumps and comes back from them', () => {
    const rules = [
      rule('FORWARD', 'jump', { target: 'user' }),
      rule('user', 'return'),
      rule('user', 'drop'),
      rule('FORWARD', 'jump', { target: 'end' }),
      rule('end', 'drop'),
      rule('FORWARD', 'accept'),
    ];
    expect(fateIn('FORWARD', rules)).to.equal('dropped');
  });

  it('does not come back from goto', () => {
    const rules = [rule('FORWARD', 'goto', { target: 'user' }), rule('FORWARD', 'drop')];
    expect(fateIn('FORWARD', rules)).to.equal('passed on');
  });
});
