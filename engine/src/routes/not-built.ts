/** Endpoints of docker's API that this engine does not have: each answers with what is missing, none with `not found`. */
import { StackError, type ErrorKind } from '#spec/errors';
import type { Method, Route } from '../http/router.ts';

/** docker's words on a daemon that is no swarm manager. */
const noSwarm =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** Routes to append after all that exist. */
export function notBuiltRoutes(): Route[] {
  return [
    ...swarmRoutes(),
    ...missing('building images', ['POST /build', 'POST /build/prune', 'POST /build/cancel']),
    ...missing('BuildKit sessions', ['POST /session', 'POST /grpc']),
    // `docker inspect` asks for every kind of object in turn, and goes on after a 404 only.
    ...absent('/plugins/{name}/json', (name) => `plugin "${name}" not found`, ['GET']),
    ...missing('plugins', [
      'GET /plugins/privileges',
      'POST /plugins/pull',
      'POST /plugins/create',
      'DELETE /plugins/{name}',
      'POST /plugins/{name}/{verb}',
    ]),
    ...missing('checkpoints', [
      'GET /containers/{name}/checkpoints',
      'POST /containers/{name}/checkpoints',
    ]),
    ...missing('this operation on images', [
      'GET /images/search',
      'GET /images/{name}/attestations',
      'GET /distribution/{name}/json',
    ]),
    ...missing('checking credentials', ['POST /auth']),
  ];
}

/** There is none of that kind, so none has that name. */
function absent(
  path: string,
  message: (name: string) => string,
  methods: readonly Method[],
): Route[] {
  return methods.map((method) => ({
    method,
    path,
    handler: async (request) => {
      throw new StackError('not_found', message(request.parameter('name')));
    },
  }));
}

function missing(what: string, endpoints: readonly string[]): Route[] {
  return refusing(
    'unimplemented',
    ({ method, path }) => `${what}: ${method} ${path} is not implemented by this engine`,
    endpoints,
  );
}

function swarmRoutes(): Route[] {
  const collections = ['nodes', 'services', 'tasks', 'secrets', 'configs'];
  return refusing('unavailable', () => noSwarm, [
    'PUT /volumes/{name}', // only volumes of a cluster can be changed
    'GET /swarm',
    'GET /swarm/unlockkey',
    ...['init', 'join', 'leave', 'update', 'unlock'].map((verb) => `POST /swarm/${verb}`),
    ...collections.flatMap((name) => [
      `GET /${name}`,
      `POST /${name}/create`,
      `GET /${name}/{id}`,
      `DELETE /${name}/{id}`,
      `POST /${name}/{id}/update`,
    ]),
  ]);
}

/** `POST /session` and the like; requests with an Upgrade header get the same plain answer. */
function refusing(
  kind: ErrorKind,
  message: (endpoint: { method: string; path: string }) => string,
  endpoints: readonly string[],
): Route[] {
  return endpoints.map((endpoint) => {
    const [method = '', path = ''] = endpoint.split(' ');
    return {
      method: method as Method, // the lists above hold nothing else
      path,
      handler: async () => {
        throw new StackError(kind, message({ method, path }));
      },
    };
  });
}
