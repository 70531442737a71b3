import { expect } from 'chai';
import { Router, type Route } from '../../src/http/router.ts';

const nothing = async (): Promise<void> => undefined;
const route = (method: Route['method'], path: string): Route => ({
  method,
  path,
  handler: nothing,
});

describe('Router', () => {
  const router = new Router([
    route('GET', '/images/json'),
    route('GET', '/images/{name}/json'),
    route('DELETE', '/images/{name}'),
    route('GET', '/_ping'),
  ]);

  it('takes slashes, colons and digests into a variable', () => {
    const name = '127.0.0.1:5000/team/app@sha256:abc';
    const found = router.match('GET', `/v1.45/images/${name}/json`);
    expect(found?.parameters).to.deep.equal({ name });
    expect(found?.version).to.equal('1.45');
  });

  it('prefers the earlier route', () => {
    expect(router.match('GET', '/images/json')?.route.path).to.equal('/images/json');
  });

  it('accepts a path without a version', () => {
    expect(router.match('GET', '/_ping')?.version).to.equal(undefined);
    expect(router.match('GET', '/v2/_ping')?.version).to.equal('2');
  });

  it('finds nothing for another method, or an unknown path', () => {
    expect(router.match('POST', '/images/json')).to.equal(undefined);
    expect(router.match('GET', '/nope')).to.equal(undefined);
  });
});
