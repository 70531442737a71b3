import { expect } from 'chai';
import fc from 'fast-check';
import { StackError } from '#spec/errors';
import { fieldsOf, parseFilter, parseFilters } from '../../src/filters/filter.ts';

const container = fieldsOf(
  { id: 'web', 'runtime.name': 'io.containerd.runc.v2', image: 'docker.io/library/nginx:1' },
  { 'com.example/tier': 'front', 'a.b': '1' },
);
const exit = fieldsOf({ namespace: 'moby', topic: '/tasks/exit' });

describe('parseFilter', () => {
  for (const [filter, matches] of [
    ['id==web', true],
    ['id==db', false],
    ['id!=db', true],
    ['id==web,runtime.name~=runc', true],
    ['id==web,runtime.name==crun', false],
    ['image==docker.io/library/nginx:1', true],
    ['labels."com.example/tier"==front', true],
    ['labels.a.b==1', true],
    ['labels."a.b"', true],
    ['labels.missing', false],
    ['missing!=x', true],
    ['id~="^w.b$"', true],
    ["id=='web'", true],
    ['', true],
  ] as const) {
    it(`${matches ? 'passes' : 'holds back'} by ${filter}`, () => {
      expect(parseFilter(filter)(container)).to.equal(matches);
    });
  }

  it("reads dockerd's subscription", () => {
    const filter = parseFilter('namespace==moby,topic~=|^/tasks/|');
    expect(filter(exit)).to.equal(true);
    expect(filter(fieldsOf({ namespace: 'moby', topic: '/images/create' }))).to.equal(false);
    expect(filter(fieldsOf({ namespace: 'default', topic: '/tasks/exit' }))).to.equal(false);
  });

  it('keeps escapes of a pattern between pipes', () => {
    expect(parseFilter(String.raw`id~=|^w\w+b$|`)(fieldsOf({ id: 'weeb' }))).to.equal(true);
  });

  for (const broken of ['id==', '==x', 'id==x y', 'id~=|(|', 'id=="x', ',', 'id==a,', 'id=x', '.a'])
    it(`refuses ${broken}`, () => {
      expect(() => parseFilter(broken))
        .to.throw(StackError, 'filter "')
        .with.property('kind', 'invalid_argument');
    });

  it('either parses or refuses whatever it is given', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseFilter(text)(container);
        } catch (error) {
          expect(error).to.be.instanceOf(StackError);
        }
      }),
    );
  });
});

describe('parseFilters', () => {
  it('passes what any filter passes', () => {
    expect(parseFilters(['id==db', 'id==web'])(container)).to.equal(true);
    expect(parseFilters(['id==db'])(container)).to.equal(false);
    expect(parseFilters([])(container)).to.equal(true);
  });
});
