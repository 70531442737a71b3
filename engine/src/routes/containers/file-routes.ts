/** /containers/{name}/archive, /export and /changes: the files of a container. */
import { pipeline } from 'node:stream/promises';
import { messageOf, StackError } from '#spec/errors';
import type { ApiRequest } from '../../http/request.ts';
import type { ApiResponse } from '../../http/response.ts';
import type { Route } from '../../http/router.ts';
import type { PathStat } from '../../rootfs/protocol.ts';
import type { ArchiveStream } from '../../rootfs/root-thread.ts';
import { encodeJson } from '../../http/json.ts';
import type { ContainersBackend } from './backend.ts';

const tar = 'application/x-tar';
const changeKinds = { modified: 0, added: 1, deleted: 2 } as const;

export function fileRoutes(backend: ContainersBackend): Route[] {
  return [
    {
      method: 'HEAD',
      path: '/containers/{name}/archive',
      handler: async (request, response) => {
        response.header(
          'X-Docker-Container-Path-Stat',
          encodeStat(await backend.statPath(request.parameter('name'), pathIn(request))),
        );
        response.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/containers/{name}/archive',
      handler: async (request, response) => {
        const { stat, archive } = await backend.archivePath(
          request.parameter('name'),
          pathIn(request),
        );
        response.header('X-Docker-Container-Path-Stat', encodeStat(stat));
        await send(archive, tar, response);
      },
    },
    {
      method: 'PUT',
      path: '/containers/{name}/archive',
      handler: async (request, response) => {
        const { query } = request;
        await backend.extractArchive(request.parameter('name'), request.body, {
          path: pathIn(request),
          keepKinds: query.boolean('noOverwriteDirNonDir'),
          ownedByUser: query.boolean('copyUIDGID'),
        });
        response.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/containers/{name}/export',
      handler: async (request, response) => {
        const archive = await backend.exportRoot(request.parameter('name'));
        await send(archive, 'application/octet-stream', response);
      },
    },
    {
      method: 'GET',
      path: '/containers/{name}/changes',
      handler: async (request, response) => {
        const changes = await backend.changes(request.parameter('name'));
        response.json(
          200,
          changes.map(({ path, kind }) => ({ Path: path, Kind: changeKinds[kind] })),
        );
      },
    },
  ];
}

/** A failure in the middle cuts the connection off: the archive has no place for words. */
async function send(
  { bytes, done }: ArchiveStream,
  type: string,
  response: ApiResponse,
): Promise<void> {
  const body = response.stream(200, type);
  try {
    await pipeline(bytes, body, { end: false });
    await done;
    body.end();
  } catch (error) {
    bytes.destroy();
    body.destroy(new Error(messageOf(error)));
  }
}

function pathIn({ query }: ApiRequest): string {
  const path = query.text('path');
  if (path === '') throw new StackError('invalid_argument', 'missing query parameter "path"');
  return path;
}

/** As docker sends it: JSON with Go's os.FileMode, in base64. */
function encodeStat({ name, size, mode, mtime, linkTarget }: PathStat): string {
  const stat = { name, size, mode: goFileMode(mode), mtime, linkTarget };
  return Buffer.from(encodeJson(stat).trimEnd()).toString('base64');
}

const typeBits: Readonly<Record<number, number>> = {
  0o040000: 2 ** 31, // directory
  0o120000: 2 ** 27, // symbolic link
  0o010000: 2 ** 25, // named pipe
  0o140000: 2 ** 24, // socket
  0o060000: 2 ** 26, // device
  0o020000: 2 ** 26 + 2 ** 21, // character device
};

function goFileMode(mode: number): number {
  const setuid = (mode & 0o4000) !== 0 ? 2 ** 23 : 0;
  const setgid = (mode & 0o2000) !== 0 ? 2 ** 22 : 0;
  const sticky = (mode & 0o1000) !== 0 ? 2 ** 20 : 0;
  return (typeBits[mode & 0o170000] ?? 0) + setuid + setgid + sticky + (mode & 0o777);
}
