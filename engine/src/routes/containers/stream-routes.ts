/** /containers/{name}/attach and /logs: bytes of a container, raw or framed. */
import { isAtLeast, type ApiVersion } from '../../http/api-version.ts';
import type { ApiRequest } from '../../http/request.ts';
import { drainOrClose } from '../../http/response.ts';
import type { Route } from '../../http/router.ts';
import { StackError } from '#spec/errors';
import { multiplexedStreamType, rawStreamType } from '../../daemon/stream-frames.ts';
import type { AttachQuery, ContainersBackend, LogsQuery } from './backend.ts';

export function streamRoutes(backend: ContainersBackend): Route[] {
  return [
    {
      method: 'GET',
      path: '/containers/{name}/logs',
      handler: async (request, response) => {
        const name = request.parameter('name');
        const tty = backend.hasTerminal(name);
        const chunks = await backend.logs(name, logsQuery(request), request.signal);
        const body = response.stream(200, streamType(tty, request.version));
        for await (const chunk of chunks) {
          if (body.destroyed) return;
          if (!body.write(chunk)) await drainOrClose(body);
        }
        body.end();
      },
    },
    {
      method: 'GET',
      path: '/containers/{name}/attach/ws',
      hijacks: 'webSocket',
      handler: async (request, response) => {
        const query = attachQuery(request);
        // Older clients could not choose.
        const all = !isAtLeast(request.version, '1.42');
        await backend.attach(
          request.parameter('name'),
          {
            ...query,
            stdin: all || query.stdin,
            stdout: all || query.stdout,
            stderr: all || query.stderr,
            isFramed: false,
          },
          () => response.webSocket(),
        );
      },
    },
    {
      method: 'POST',
      path: '/containers/{name}/attach',
      hijacks: 'raw',
      handler: async (request, response) => {
        const { version } = request;
        await backend.attach(
          request.parameter('name'),
          { ...attachQuery(request), isFramed: true },
          async (tty) => response.hijack(streamType(tty, version)),
        );
      },
    },
  ];
}

function attachQuery({ query }: ApiRequest): Omit<AttachQuery, 'isFramed'> {
  return {
    stdin: query.boolean('stdin'),
    stdout: query.boolean('stdout'),
    stderr: query.boolean('stderr'),
    stream: query.boolean('stream'),
    logs: query.boolean('logs'),
    detachKeys: query.text('detachKeys'),
  };
}

/** Old clients know one type only, and look at the container to learn whether there are frames. */
export function streamType(tty: boolean, version: ApiVersion): string {
  return tty || !isAtLeast(version, '1.42') ? rawStreamType : multiplexedStreamType;
}

/**
 * Clients that copy frames to their own output as they come. Others may take each for a line. docker's CLI moves its
 * buffer of 32 KiB for each frame, which takes it three times as long as everything else.
 */
const copyingClients = /^(Docker-Client\/|engine-cli$)/;

function logsQuery({ query, headers }: ApiRequest): LogsQuery {
  const stdout = query.boolean('stdout');
  const stderr = query.boolean('stderr');
  if (!stdout && !stderr) {
    throw new StackError('invalid_argument', 'Bad parameters: you must choose at least one stream');
  }
  const tail = query.text('tail');
  return {
    stdout,
    stderr,
    follow: query.boolean('follow'),
    timestamps: query.boolean('timestamps'),
    details: query.boolean('details'),
    since: query.text('since'),
    until: query.text('until'),
    // docker takes anything that is no number for `all`.
    tail: /^\d+$/.test(tail) ? Number(tail) : undefined,
    joinLines: copyingClients.test(headers['user-agent'] ?? ''),
  };
}
