import { expect } from 'chai';
import fc from 'fast-check';
import { parseTarget } from '../../src/http/request-target.ts';

describe('parseTarget', () => {
  it('decodes escapes once, and keeps the query as it is', () => {
    expect(parseTarget('/images/a%2Fb%2525?x=%2F?y')).to.deep.equal({
      kind: 'target',
      path: '/images/a/b%25',
      search: 'x=%2F?y',
    });
    expect(parseTarget('http://docker/info')).to.deep.include({ path: '/info' });
    expect(parseTarget('/networks/')).to.deep.include({ path: '/networks/' });
  });

  it('sends clients from a path with empty parts or dots to the same without', () => {
    const cases: [string, string][] = [
      ['//info', '/info'],
      ['/containers/%2e%2e/json?all=1', '/json?all=1'],
      ['/containers/..%2f..%2fetc%3fx/json', '/etc%3Fx/json'],
      ['/a/./b//', '/a/b/'],
      ['/..', '/'],
      ['', '/'],
    ];
    for (const [url, location] of cases) {
      expect(parseTarget(url), url).to.deep.equal({ kind: 'redirect', location });
    }
  });

  it('tells apart what is malformed, what nothing is called, and what is too long', () => {
    expect(parseTarget('/containers/a%zz/json').kind).to.equal('malformed');
    expect(parseTarget('/images/%ff').kind).to.equal('unknown');
    expect(parseTarget(`/${'a'.repeat(20_000)}`).kind).to.equal('too long');
  });

  it('never gives a path that leads upwards, and sends nobody in circles', () => {
    const part = fc.constantFrom(
      '..',
      '.',
      '',
      '/',
      '%2e',
      '%2F',
      '%2e%2e',
      'a',
      '%00',
      '%5c',
      '?',
      '//',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const target = parseTarget(`/${parts.join('')}`);
        if (target.kind === 'target') {
          expect(target.path.split('/')).to.not.include.members(['..']);
        } else if (target.kind === 'redirect') {
          expect(parseTarget(target.location).kind).to.equal('target');
        }
      }),
    );
  });
});
