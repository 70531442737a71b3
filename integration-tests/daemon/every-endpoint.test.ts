/** Every endpoint of docker's API is there: it works, or says in a sentence why it does not. */
import { expect } from 'chai';
import { ApiClient } from '../engine-api/api-client.ts';
import { needRoot } from '../harness/peers.ts';
import { sharedStack } from '../harness/shared-stack.ts';

const noSwarm =
  /^This node is not a swarm manager\. Use "docker swarm init" or "docker swarm join"/;

/** Calls that change nothing, on objects that do not exist: [method, path, status, message]. */
// prettier-ignore
const endpoints: readonly [method: string, path: string, status: number | readonly number[], message?: RegExp][] = [
  ['GET', '/containers/json', 200],
  ['POST', '/containers/create', 400, /EOF|[Ii]mage|config/],
  ...['json', 'top', 'logs?stdout=1', 'changes', 'export', 'stats?stream=0', 'attach/ws', 'archive?path=/'].map(
    (verb) => ['GET', `/containers/nosuch/${verb}`, [404, 400, 501]] as [string, string, readonly number[]]),
  ...['resize?h=1&w=1', 'start', 'stop', 'restart', 'kill', 'rename?name=x', 'pause', 'unpause', 'attach?stream=1', 'wait', 'update', 'exec'].map(
    (verb) => ['POST', `/containers/nosuch/${verb}`, [404, 400]] as [string, string, readonly number[]]),
  ['DELETE', '/containers/nosuch', 404, /^No such container: nosuch$/],
  ['HEAD', '/containers/nosuch/archive?path=/', 404],
  ['PUT', '/containers/nosuch/archive?path=/', 404, /No such container: nosuch/],
  ['POST', '/containers/prune?filters={"label":["no.such=label"]}', 200],
  ['GET', '/containers/nosuch/checkpoints', 501, /checkpoints/],
  ['POST', '/containers/nosuch/checkpoints', 501, /checkpoints/],
  ['DELETE', '/containers/nosuch/checkpoints/x', 501, /checkpoints/],
  ['GET', '/images/json', 200],
  ['POST', '/build', 501, /build/],
  ['POST', '/build/prune', 501, /build/],
  ['POST', '/build/cancel?id=x', 501, /build/],
  ['POST', '/images/create?fromImage=UPPER', 400, /invalid reference format/],
  ['GET', '/images/nosuch/json', 404, /No such image: nosuch/],
  ['GET', '/images/nosuch/attestations', [404, 501]],
  ['GET', '/images/nosuch/history', 404, /No such image: nosuch/],
  ['POST', '/images/127.0.0.1:1/nosuch/push', [404, 200, 500]],
  ['POST', '/images/nosuch/tag?repo=x', 404, /No such image: nosuch/],
  ['DELETE', '/images/nosuch', 404, /No such image: nosuch/],
  ['GET', '/images/search?term=', [200, 400, 500]],
  ['POST', '/images/prune?filters={"label":["no.such=label"]}', 200],
  ['POST', '/commit?container=nosuch', 404, /No such container: nosuch/],
  ['GET', '/images/nosuch/get', [404, 500]],
  ['GET', '/images/get?names=nosuch', [404, 500]],
  ['POST', '/images/load', [200, 400, 500]],
  ['POST', '/auth', [400, 401, 500]],
  ['GET', '/info', 200],
  ['GET', '/version', 200],
  ['GET', '/_ping', 200],
  ['HEAD', '/_ping', 200],
  ['GET', '/events?since=1&until=2', 200],
  ['GET', '/system/df', 200],
  ['POST', '/exec/nosuch/start', 404, /No such exec instance: nosuch/],
  ['POST', '/exec/nosuch/resize?h=1&w=1', 404, /No such exec instance: nosuch/],
  ['GET', '/exec/nosuch/json', 404, /No such exec instance: nosuch/],
  ['GET', '/volumes', 200],
  ['GET', '/volumes/nosuch', 404, /get nosuch: no such volume/],
  ['PUT', '/volumes/nosuch?version=1', 503, /^volume update only valid for cluster volumes, but swarm is unavailable$/],
  ['DELETE', '/volumes/nosuch', 404, /get nosuch: no such volume/],
  ['POST', '/volumes/prune?filters={"label":["no.such=label"]}', 200],
  ['GET', '/networks', 200],
  ['GET', '/networks/', 200],
  ['GET', '/networks/nosuch', 404, /network nosuch not found/],
  ['DELETE', '/networks/nosuch', 404, /network nosuch not found/],
  ['POST', '/networks/create', 400],
  ['POST', '/networks/nosuch/connect', [404, 400]],
  ['POST', '/networks/nosuch/disconnect', [404, 400]],
  ['POST', '/networks/prune?filters={"label":["no.such=label"]}', 200],
  ['GET', '/plugins', 200],
  ['GET', '/plugins/privileges?remote=x', 501, /plugins/],
  ['POST', '/plugins/pull?remote=x', 501, /plugins/],
  ['POST', '/plugins/create?name=x', 501, /plugins/],
  ['GET', '/plugins/nosuch/json', 404, /^plugin "nosuch" not found$/],
  ['DELETE', '/plugins/nosuch', 404, /^plugin "nosuch" not found$/],
  ...['enable?timeout=1', 'disable', 'upgrade?remote=x', 'push', 'set'].map(
    (verb) => ['POST', `/plugins/a/b:c/${verb}`, 404, /^plugin "a\/b:c" not found$/] as [string, string, number, RegExp]),
  ...['nodes', 'services', 'tasks', 'secrets', 'configs'].flatMap((kind) => [
    ['GET', `/${kind}`, 503, noSwarm] as [string, string, number, RegExp],
    ['GET', `/${kind}/x`, 503, noSwarm] as [string, string, number, RegExp],
  ]),
  ...['nodes', 'services', 'secrets', 'configs'].flatMap((kind) => [
    ['DELETE', `/${kind}/x`, 503, noSwarm] as [string, string, number, RegExp],
    ['POST', `/${kind}/x/update?version=1`, 503, noSwarm] as [string, string, number, RegExp],
  ]),
  ...['services', 'secrets', 'configs'].map((kind) => ['POST', `/${kind}/create`, 503, noSwarm] as [string, string, number, RegExp]),
  ['GET', '/services/x/logs?stdout=1', 503, noSwarm],
  ['GET', '/tasks/x/logs?stdout=1', 503, noSwarm],
  ['GET', '/swarm', 503, noSwarm],
  ['GET', '/swarm/unlockkey', 503, noSwarm],
  ['POST', '/swarm/update?version=1', 503, noSwarm],
  ['POST', '/swarm/unlock', 503, noSwarm],
  ['POST', '/swarm/init', 503, /swarm mode is not implemented/],
  ['POST', '/swarm/join', 503, /swarm mode is not implemented/],
  ['POST', '/swarm/leave', 503, /^This node is not part of a swarm$/],
  ['GET', '/distribution/127.0.0.1:1/nosuch/json', 500],
  ['POST', '/session', 501, /BuildKit/],
  ['POST', '/grpc', 501, /BuildKit/],
  ['OPTIONS', '/containers/json', 200],
  ['GET', '/debug/vars', 200],
  ['GET', '/debug/pprof/', 501, /profiles/],
  ['GET', '/debug/pprof/heap', 501, /profiles/],
];

describe('every endpoint of the API', () => {
  let api: ApiClient;

  before(async function () {
    needRoot(this);
    api = new ApiClient((await sharedStack()).host);
  });

  for (const version of ['', '/v1.24', '/v1.51']) {
    it(`is answered ${version === '' ? 'without a version' : `under ${version}`}`, async () => {
      for (const [method, path, status, message] of endpoints) {
        const answer = await api.call(method, version + path);
        const call = `${method} ${version}${path}: ${answer.status} ${JSON.stringify(answer.body)}`;
        expect([status].flat(), call).to.include(answer.status);
        if (answer.status < 400 || method === 'HEAD') continue;
        const said = (answer.body as { message?: unknown }).message;
        expect(said, call).to.be.a('string').that.is.not.empty;
        expect(said, call).to.not.equal('page not found');
        if (message) expect(said, call).to.match(message);
      }
    });
  }

  it('is not more than there is: other methods and paths are not found', async () => {
    for (const call of [
      'GET /containers',
      'PATCH /info',
      'GET /_ping/x',
      'POST /_ping',
      'GET /swarm/x',
    ]) {
      const [method = '', path = ''] = call.split(' ');
      const { status, body } = await api.call(method, path);
      expect([status, body], call).to.deep.equal([404, { message: 'page not found' }]);
    }
  });
});
