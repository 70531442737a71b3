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
    ...pluginRoutes(),
    ...missing('this operation on images', ['GET /images/{name}/attestations']),
  ];
}

/** Routes to put before those of containers, whose names would take these paths in. */
export function checkpointRoutes(): Route[] {
  return missing('checkpoints', [
    'GET /containers/{name}/checkpoints',
    'POST /containers/{name}/checkpoints',
    'DELETE /containers/{name}/checkpoints/{checkpoint}',
  ]);
}

/** There are none and none can be had, so that every name is unknown. `docker inspect` goes on after a 404 only. */
function pluginRoutes(): Route[] {
  return [
    ...missing('plugins', [
      'GET /plugins/privileges',
      'POST /plugins/pull',
      'POST /plugins/create',
    ]),
    ...['GET /plugins/{name}/json', 'DELETE /plugins/{name}'].map(unknownPlugin),
    ...['enable', 'disable', 'upgrade', 'push', 'set'].map((verb) =>
      unknownPlugin(`POST /plugins/{name}/${verb}`),
    ),
  ];
}

function unknownPlugin(endpoint: string): Route {
  return {
    ...splitEndpoint(endpoint),
    handler: async (request) => {
      throw new StackError('not_found', `plugin "${request.parameter('name')}" not found`);
    },
  };
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
  return [
    ...unavailable('volume update only valid for cluster volumes, but swarm is unavailable', [
      'PUT /volumes/{name}',
    ]),
    ...unavailable('This node is not part of a swarm', ['POST /swarm/leave']),
    // docker would make one here: its words for the others would send users in circles.
    ...unavailable('swarm mode is not implemented by this engine', [
      'POST /swarm/init',
      'POST /swarm/join',
    ]),
    ...unavailable(noSwarm, [
      'GET /swarm',
      'GET /swarm/unlockkey',
      'POST /swarm/update',
      'POST /swarm/unlock',
      ...collections.flatMap((name) => [
        `GET /${name}`,
        `POST /${name}/create`,
        `GET /${name}/{id}`,
        `DELETE /${name}/{id}`,
        `POST /${name}/{id}/update`,
      ]),
    ]),
  ];
}

function unavailable(message: string, endpoints: readonly string[]): Route[] {
  return refusing('unavailable', () => message, endpoints);
}

/** `POST /session` and the like; requests with an Upgrade header get the same plain answer. */
function refusing(
  kind: ErrorKind,
  message: (endpoint: Endpoint) => string,
  endpoints: readonly string[],
): Route[] {
  return endpoints.map(splitEndpoint).map((endpoint) => ({
    ...endpoint,
    handler: async () => {
      throw new StackError(kind, message(endpoint));
    },
  }));
}

type Endpoint = Pick<Route, 'method' | 'path'>;

function splitEndpoint(text: string): Endpoint {
  const [method = '', path = ''] = text.split(' ');
  return { method: method as Method, path }; // the lists above hold nothing else
}
