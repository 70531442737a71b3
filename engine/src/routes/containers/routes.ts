/** /containers: everything about containers but their streams. */
import { decodeContainerConfig, type ContainerConfig } from '../../api/container-config.ts';
import { isZero } from '../../api/go-json.ts';
import { isAtLeast, type ApiVersion } from '../../http/api-version.ts';
import type { Route } from '../../http/router.ts';
import { parsePlatform } from '#lib/registry/platform';
import { StackError } from '#spec/errors';
import type { Platform } from '#spec/oci/image';
import { pruneFilterKeys } from '../../daemon/prune-containers.ts';
import { containerFilterKeys } from '../../daemon/list-containers.ts';
import type { ContainersBackend, StopQuery } from './backend.ts';
import { decodeCreateBody } from './create-body.ts';
import { encodeJson } from '../../http/json.ts';
import type { Query } from '../../http/query.ts';
import { asAskedIn } from './older-clients.ts';
import { decodeUpdateBody } from './update-body.ts';
import { fileRoutes } from './file-routes.ts';
import { streamRoutes } from './stream-routes.ts';

/** Routes below /containers, in the order in which they must match. */
export function containerRoutes(backend: ContainersBackend): Route[] {
  return [
    {
      method: 'GET',
      path: '/containers/json',
      handler: async ({ query, version }, response) => {
        const options = {
          all: query.boolean('all'),
          limit: Math.max(0, query.integer('limit') ?? 0),
          size: query.boolean('size'),
          filters: query.filters(containerFilterKeys),
        };
        response.json(200, backend.list(options, version));
      },
    },
    {
      method: 'POST',
      path: '/containers/create',
      handler: async (request, response) => {
        const body = asAskedIn(request.version, decodeCreateBody(await request.requiredJson()));
        const { id, warnings } = await backend.create({
          ...body,
          name: request.query.text('name'),
          platform: platformIn(request.query.text('platform')),
        });
        response.json(201, { Id: id, Warnings: warnings });
      },
    },
    {
      method: 'POST',
      path: '/containers/prune',
      handler: async ({ query }, response) => {
        const { ids, reclaimedBytes } = await backend.prune(query.filters(pruneFilterKeys));
        response.json(200, {
          ContainersDeleted: ids.length > 0 ? ids : null,
          SpaceReclaimed: reclaimedBytes,
        });
      },
    },
    {
      method: 'GET',
      path: '/containers/{name}/json',
      handler: async (request, response) => {
        response.json(200, backend.inspect(request.parameter('name')));
      },
    },
    {
      method: 'GET',
      path: '/containers/{name}/top',
      handler: async (request, response) => {
        const psArguments = request.query.text('ps_args') || '-ef';
        response.json(200, await backend.top(request.parameter('name'), psArguments));
      },
    },
    {
      method: 'GET',
      path: '/containers/{name}/stats',
      handler: async (request, response) => {
        const { query, signal } = request;
        const options = {
          stream: query.boolean('stream', true),
          oneShot: query.boolean('one-shot'),
        };
        const samples = backend.stats(request.parameter('name'), options, signal);
        const body = response.stream(200, 'application/json');
        for await (const sample of samples) body.write(encodeJson(sample));
        body.end();
      },
    },
    {
      method: 'POST',
      path: '/containers/{name}/update',
      handler: async (request, response) => {
        const changes = decodeUpdateBody(await request.json());
        const warnings = await backend.update(request.parameter('name'), changes);
        response.json(200, { Warnings: warnings });
      },
    },
    ...streamRoutes(backend),
    ...fileRoutes(backend),
    {
      method: 'POST',
      path: '/commit',
      handler: async (request, response) => {
        const { query } = request;
        const body = await request.json();
        const [repository, tag] = [query.text('repo'), query.text('tag')];
        const id = await backend.commit(query.text('container'), {
          reference: repository === '' || tag === '' ? repository : `${repository}:${tag}`,
          comment: query.text('comment'),
          author: query.text('author'),
          pause: query.boolean('pause', true),
          changes: query
            .all('changes')
            .flatMap((change) => change.split('\n'))
            .filter((line) => line.trim() !== ''),
          config: givenConfig(body),
        });
        response.json(201, { Id: id });
      },
    },
    action('start', (name) => backend.start(name)),
    action('stop', (name, query, version) => backend.stop(name, stopQuery(query, version))),
    action('restart', (name, query, version) => backend.restart(name, stopQuery(query, version))),
    action('kill', (name, query) => backend.kill(name, query.text('signal'))),
    action('pause', (name) => backend.pause(name)),
    action('unpause', (name) => backend.unpause(name)),
    action('rename', (name, query) => backend.rename(name, query.text('name'))),
    {
      method: 'POST',
      path: '/containers/{name}/resize',
      handler: async (request, response) => {
        await backend.resize(request.parameter('name'), terminalSize(request.query));
        response.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/containers/{name}/wait',
      handler: async (request, response) => {
        // Before 1.30 there were no conditions, and the answer came as a whole.
        const condition = isAtLeast(request.version, '1.30') ? request.query.text('condition') : '';
        const { result } = backend.wait(request.parameter('name'), condition, request.signal);
        const body = response.stream(200, 'application/json');
        const { exitCode, error } = await result;
        body.end(
          encodeJson({ StatusCode: exitCode, ...(error !== '' && { Error: { Message: error } }) }),
        );
      },
    },
    {
      method: 'DELETE',
      path: '/containers/{name}',
      handler: async (request, response) => {
        if (request.query.boolean('link')) {
          await backend.removeLink(request.parameter('name'));
          response.empty(204);
          return;
        }
        const { query } = request;
        const options = { force: query.boolean('force'), volumes: query.boolean('v') };
        await backend.remove(request.parameter('name'), options);
        response.empty(204);
      },
    },
  ];
}

/** The fields of a Config that a client has really set. */
function givenConfig(body: unknown): Partial<ContainerConfig> {
  if (body === undefined || body === null) return {};
  const config = decodeContainerConfig(body, 'Config');
  return Object.fromEntries(Object.entries(config).filter(([, value]) => !isZero(value)));
}

/** A POST that answers 204. */
function action(
  verb: string,
  run: (name: string, query: Query, version: ApiVersion) => Promise<void>,
): Route {
  return {
    method: 'POST',
    path: `/containers/{name}/${verb}`,
    handler: async (request, response) => {
      await run(request.parameter('name'), request.query, request.version);
      response.empty(204);
    },
  };
}

/** A signal of the caller's choice came with 1.42: before that it is not looked at. */
function stopQuery(query: Query, version: ApiVersion): StopQuery {
  return {
    signal: isAtLeast(version, '1.42') ? query.text('signal') : '',
    seconds: query.integer('t'),
  };
}

/** `h` and `w`, in characters. Throws invalid_argument. */
export function terminalSize(query: Query): { height: number; width: number } {
  const [height, width] = [query.integer('h'), query.integer('w')];
  for (const value of [height, width]) {
    if (value === undefined || value < 0 || value > 0xffff) {
      throw new StackError('invalid_argument', 'a terminal size needs h and w, 0 to 65535 each');
    }
  }
  return { height: height ?? 0, width: width ?? 0 };
}

/** Throws invalid_argument in docker's words. */
function platformIn(text: string): Platform | undefined {
  return text === '' ? undefined : parsePlatform(text);
}
