/** /containers/{name}/exec and /exec: processes added to a running container. */
import { array, boolean, cString, integer, optional, string } from '#spec/json-decoder';
import { goObject, stringSlice } from '../../api/go-json.ts';
import type { ExecConfig } from '../../daemon/exec-store.ts';
import type { Route } from '../../http/router.ts';
import { terminalSize } from '../containers/routes.ts';
import { streamType } from '../containers/stream-routes.ts';
import type { ExecBackend, ExecStart } from './backend.ts';

interface ExecCreateBody {
  User?: string;
  Privileged?: boolean;
  Tty?: boolean;
  ConsoleSize?: number[];
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  DetachKeys?: string;
  Env?: string[];
  WorkingDir?: string;
  Cmd?: string[];
}

const consoleSize = optional(array(integer(0, 65535)));

const decodeCreate = goObject<ExecCreateBody>({
  User: optional(cString),
  Privileged: optional(boolean),
  Tty: optional(boolean),
  ConsoleSize: consoleSize,
  AttachStdin: optional(boolean),
  AttachStdout: optional(boolean),
  AttachStderr: optional(boolean),
  DetachKeys: optional(string),
  Env: optional(array(cString)),
  WorkingDir: optional(cString),
  Cmd: optional(stringSlice),
});

const decodeStart = goObject<{ Detach?: boolean; Tty?: boolean; ConsoleSize?: number[] }>({
  Detach: optional(boolean),
  Tty: optional(boolean),
  ConsoleSize: consoleSize,
});

export function execRoutes(backend: ExecBackend): Route[] {
  return [
    {
      method: 'POST',
      path: '/containers/{name}/exec',
      handler: async (request, response) => {
        const config = execConfig(decodeCreate((await request.json()) ?? {}, 'exec'));
        response.json(201, { Id: backend.create(request.parameter('name'), config).id });
      },
    },
    {
      method: 'POST',
      path: '/exec/{id}/start',
      hijacks: 'raw',
      handler: async (request, response) => {
        const {
          Detach: detach = false,
          Tty: tty = false,
          ConsoleSize: size,
        } = decodeStart((await request.json()) ?? {}, 'exec');
        const options: ExecStart = { detach, tty, consoleSize: pair(size) };
        await backend.start(request.parameter('id'), options, (terminal) =>
          response.hijack(streamType(terminal, request.version)),
        );
        if (detach) response.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/exec/{id}/resize',
      handler: async (request, response) => {
        await backend.resize(request.parameter('id'), terminalSize(request.query));
        response.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/exec/{id}/json',
      handler: async (request, response) => {
        response.json(200, backend.inspect(request.parameter('id')));
      },
    },
  ];
}

function execConfig(body: ExecCreateBody): ExecConfig {
  return {
    attachStdin: body.AttachStdin ?? false,
    attachStdout: body.AttachStdout ?? false,
    attachStderr: body.AttachStderr ?? false,
    tty: body.Tty ?? false,
    privileged: body.Privileged ?? false,
    user: body.User ?? '',
    env: body.Env ?? [],
    command: body.Cmd ?? [],
    workingDir: body.WorkingDir ?? '',
    detachKeys: body.DetachKeys ?? '',
    consoleSize: pair(body.ConsoleSize),
  };
}

function pair(size: number[] | undefined): [number, number] | undefined {
  const [height, width] = size ?? [];
  return height !== undefined && width !== undefined ? [height, width] : undefined;
}
