/** /_ping, /version, /info, /events, and lists that are empty by nature. */
import { StackError } from '#spec/errors';
import { diskUsageTypes } from '../../daemon/disk-usage.ts';
import { eventFilterKeys, matchesEvent } from '../../daemon/event-filters.ts';
import type { EngineEvent } from '../../daemon/event-log.ts';
import { drainOrClose } from '../../http/response.ts';
import { isAtLeast, type ApiVersion } from '../../http/api-version.ts';
import { encodeJson } from '../../http/json.ts';
import type { ApiRequest } from '../../http/request.ts';
import type { ApiResponse } from '../../http/response.ts';
import type { Handler, Route } from '../../http/router.ts';
import type { SystemBackend } from './backend.ts';

export function systemRoutes(backend: SystemBackend): Route[] {
  return [
    { method: 'GET', path: '/_ping', handler: ping },
    { method: 'HEAD', path: '/_ping', handler: ping },
    { method: 'OPTIONS', path: '/', handler: options },
    { method: 'OPTIONS', path: '/{any}', handler: options },
    {
      method: 'GET',
      path: '/version',
      handler: async (_request, response) => {
        response.json(200, await backend.version());
      },
    },
    {
      method: 'GET',
      path: '/info',
      handler: async ({ version }, response) => {
        response.json(200, await backend.info(version));
      },
    },
    {
      method: 'GET',
      path: '/system/df',
      handler: async ({ query, version }, response) => {
        // Older versions have no choice of kinds.
        const asked = isAtLeast(version, '1.42') ? query.all('type') : [];
        const wanted = new Set(
          diskUsageTypes.filter((type) => asked.length === 0 || asked.includes(type)),
        );
        const unknown = asked.find((type) => !(diskUsageTypes as readonly string[]).includes(type));
        if (unknown !== undefined) {
          throw new StackError('invalid_argument', `unknown object type: ${unknown}`);
        }
        response.json(200, await backend.diskUsage(wanted, version));
      },
    },
    { method: 'GET', path: '/events', handler: (...args) => events(backend, ...args) },
    {
      method: 'GET',
      path: '/plugins',
      handler: async ({ query }, response) => {
        query.filters(['capability', 'enabled']);
        response.json(200, []);
      },
    },
  ];
}

const ping: Handler = async ({ method }, response) => {
  response.header('Builder-Version', '1');
  response.header('Swarm', 'inactive');
  response.header('Cache-Control', 'no-cache, no-store, must-revalidate');
  response.header('Pragma', 'no-cache');
  if (method === 'HEAD') {
    response.header('Content-Type', 'text/plain; charset=utf-8');
    response.empty(200);
  } else response.text(200, 'OK');
};

const options: Handler = async (_request, response) => {
  response.empty(200);
};

/** Past events first, then live ones until `until`, or until the client leaves. A slow one reads later. */
async function events(
  backend: SystemBackend,
  { query, signal, version }: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const since = eventTime('since', query.text('since'));
  const until = eventTime('until', query.text('until'));
  if (since !== undefined && until !== undefined && until < since) {
    throw new StackError(
      'invalid_argument',
      `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`,
    );
  }
  const filters = query.filters(eventFilterKeys);
  const body = response.stream(
    200,
    isAtLeast(version, '1.52') ? 'application/jsonl' : 'application/json',
  );
  const parts = backend.events(since, until, signal);
  for await (const batch of parts) {
    const wanted = batch.filter(
      (event) => isKnownTo(version, event) && matchesEvent(event, filters),
    );
    if (body.destroyed) return;
    if (wanted.length === 0) continue;
    const text = wanted.map((event) => encodeJson(eventMessage(event, version))).join('');
    if (!body.write(text)) await drainOrClose(body);
  }
  body.end();
}

/** Images have `create` events since 1.46. */
function isKnownTo(version: ApiVersion, { type, action }: EngineEvent): boolean {
  return isAtLeast(version, '1.46') || type !== 'image' || action !== 'create';
}

/** Seconds since 1970 with a fraction, or a date, as nanoseconds. Throws invalid_argument. */
function eventTime(name: string, text: string): bigint | undefined {
  if (text === '') return undefined;
  const [, seconds, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds !== undefined) {
    return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  }
  const parsed = Date.parse(text);
  if (Number.isNaN(parsed)) {
    throw new StackError('invalid_argument', `invalid value for "${name}": "${text}"`);
  }
  return BigInt(parsed) * 1_000_000n;
}

/** The event as clients of `version` know it; before 1.52 the fields of the oldest API stand beside the new ones. */
export function eventMessage(event: EngineEvent, version: ApiVersion): unknown {
  const { type, action, actorId, attributes, timeNano } = event;
  const legacy =
    !isAtLeast(version, '1.52') && (type === 'container' || type === 'image')
      ? {
          status: action,
          ...(actorId !== '' && { id: actorId }),
          ...(type === 'container' && attributes['image'] && { from: attributes['image'] }),
        }
      : {};
  return {
    ...legacy,
    Type: type,
    Action: action,
    Actor: { ID: actorId, Attributes: attributes },
    scope: 'local',
    time: Number(timeNano / 1_000_000_000n),
    timeNano,
  };
}
