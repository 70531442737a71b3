import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { booleanFilter, matchesLabels, parseFilters, Query } from '../../src/http/query.ts';

describe('Query', () => {
  it('reads booleans by the rule of the API', () => {
    const query = new Query('a=1&b=0&c=False&d=none&e=&f=yes&g=no');
    const truths = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => query.boolean(name));
    expect(truths).to.deep.equal([true, false, false, false, false, true, false]);
    expect(query.boolean('absent', true)).to.equal(true);
  });

  it('refuses a number that is none', () => {
    expect(() => new Query('t=abc').integer('t')).to.throw(StackError, '"t" is not an integer');
  });
});

describe('parseFilters', () => {
  it('reads both forms', () => {
    expect(parseFilters('{"label":{"a=b":true,"c":false}}', ['label']).get('label')).to.deep.equal([
      'a=b',
    ]);
    expect(parseFilters('{"label":["a=b"]}', ['label']).get('label')).to.deep.equal(['a=b']);
  });

  it('refuses unknown keys, other JSON and what is not JSON', () => {
    for (const text of ['{"nope":["x"]}', '[1]', '{', '{"label":[1]}', '{"label":"x"}']) {
      expect(() => parseFilters(text, ['label']), text).to.throw(StackError, 'invalid filter');
    }
  });
});

describe('booleanFilter', () => {
  it('refuses a contradiction', () => {
    const filters = new Map([['dangling', ['true', 'false']]]);
    expect(() => booleanFilter(filters, 'dangling')).to.throw(StackError);
  });
});

describe('matchesLabels', () => {
  it('wants every label, by key or by key and value', () => {
    const labels = { a: '1', b: '' };
    expect(matchesLabels(labels, ['a', 'b='])).to.equal(true);
    expect(matchesLabels(labels, ['a=2'])).to.equal(false);
  });
});
