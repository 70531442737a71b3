import { Readable } from 'node:stream';
import { expect } from 'chai';
import type { EngineEvent } from '../../src/daemon/event-log.ts';
import type { ApiVersion } from '../../src/http/api-version.ts';
import { Query } from '../../src/http/query.ts';
import { ApiRequest } from '../../src/http/request.ts';
import type { ApiResponse } from '../../src/http/response.ts';
import type { Route } from '../../src/http/router.ts';
import type { ContainersBackend } from '../../src/routes/containers/backend.ts';
import { containerRoutes } from '../../src/routes/containers/routes.ts';
import type { NetworksBackend } from '../../src/routes/networks/backend.ts';
import { networkRoutes } from '../../src/routes/networks/routes.ts';
import type { SystemBackend } from '../../src/routes/system/backend.ts';
import { systemRoutes } from '../../src/routes/system/routes.ts';

describe('routes of older versions', () => {
  /** Calls one route; returns what it answered with, lines of a stream as they are. */
  async function call(
    routes: readonly Route[],
    [method, path]: [string, string],
    version: ApiVersion,
    search = '',
  ): Promise<unknown> {
    const route = routes.find(
      (candidate) => candidate.method === method && candidate.path === path,
    );
    if (!route) throw new Error(`no route ${method} ${path}`);
    let answer: unknown;
    const chunks: string[] = [];
    const stream = { write: (text: string) => chunks.push(text), end: () => undefined };
    // Of a response these routes use no more.
    const response = {
      json: (_status: number, value: unknown) => (answer = value),
      empty: () => undefined,
      stream: () => {
        answer = chunks;
        return stream;
      },
    } as unknown as ApiResponse;
    const request = new ApiRequest({
      ...{ method, version, query: new Query(search), headers: {}, body: Readable.from([]) },
      ...{ parameters: { name: 'web' }, signal: new AbortController().signal },
    });
    await route.handler(request, response);
    return answer;
  }

  it('stop with a signal since 1.42 only', async () => {
    const stops: unknown[] = [];
    const stop = async (_name: string, query: unknown): Promise<void> => void stops.push(query);
    const routes = containerRoutes({ stop } as unknown as ContainersBackend);
    const target: [string, string] = ['POST', '/containers/{name}/stop'];
    await call(routes, target, '1.41', 'signal=SIGINT&t=3');
    await call(routes, target, '1.42', 'signal=SIGINT&t=3');
    expect(stops).to.deep.equal([
      { signal: '', seconds: 3 },
      { signal: 'SIGINT', seconds: 3 },
    ]);
  });

  it('list networks with their containers before 1.28', async () => {
    const asked: string[] = [];
    const network = {
      ...{
        name: 'n',
        id: 'i',
        created: '',
        driver: 'bridge',
        subnets: [],
        options: {},
        labels: {},
      },
      ...{ internal: false, attachable: false, enableIPv4: true },
      containers: [{ containerId: 'c', endpoint: {} }],
    };
    const routes = networkRoutes({
      networks: () => [network],
      containerName: (id: string) => (asked.push(id), id),
    } as unknown as NetworksBackend);
    await call(routes, ['GET', '/networks'], '1.28');
    expect(asked).to.deep.equal([]);
    await call(routes, ['GET', '/networks'], '1.27');
    expect(asked).to.have.length(1);
  });

  it('tell of created images since 1.46, and of no time that ends before it begins', async () => {
    const event = (action: string): EngineEvent => ({
      ...{ type: 'image', action, actorId: 'x', attributes: {}, timeNano: 1_000_000_000n },
    });
    const routes = systemRoutes({
      async *events() {
        yield [event('create')];
        await Promise.resolve();
        yield [event('pull')];
      },
    } as unknown as SystemBackend);
    const target: [string, string] = ['GET', '/events'];
    expect(await call(routes, target, '1.45', 'since=1&until=2')).to.have.length(1);
    expect(await call(routes, target, '1.46', 'since=1&until=2')).to.have.length(2);
    let message = '';
    await call(routes, target, '1.46', 'since=3&until=2').catch((error: unknown) => {
      message = String(error);
    });
    expect(message).to.include('`since` time (3) cannot be after `until` time (2)');
  });
});
