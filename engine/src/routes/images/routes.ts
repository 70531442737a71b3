/** /images: pull, list, inspect, remove. */
import { pipeline } from 'node:stream/promises';
import { decodeRegistryAuth } from '#lib/registry/credentials';
import { messageOf, StackError } from '#spec/errors';
import { booleanFilter } from '../../http/query.ts';
import { encodeJson } from '../../http/json.ts';
import type { ApiRequest } from '../../http/request.ts';
import type { ApiResponse } from '../../http/response.ts';
import type { Route } from '../../http/router.ts';
import { imageFiltersOf } from '../../images/filters.ts';
import { shapeImage } from '../../images/image-by-version.ts';
import type { ImageService } from '../../images/image-service.ts';

export type ImagesBackend = Pick<
  ImageService,
  'list' | 'inspect' | 'remove' | 'pull' | 'push' | 'tag' | 'history' | 'prune' | 'save' | 'load'
>;

const filterKeys = [
  'before',
  'dangling',
  'label',
  'label!',
  'reference',
  'since',
  'until',
] as const;

export function imageRoutes(images: ImagesBackend): Route[] {
  return [
    {
      method: 'GET',
      path: '/images/json',
      handler: async ({ query, version }, response) => {
        const filters = imageFiltersOf(Object.fromEntries(query.filters(filterKeys)));
        const listed = await images.list(filters);
        response.json(
          200,
          listed.map((image) => shapeImage(image, version)),
        );
      },
    },
    {
      method: 'POST',
      path: '/images/prune',
      handler: async ({ query }, response) => {
        const given = query.filters(['dangling', 'label', 'label!', 'until']);
        const all = booleanFilter(given, 'dangling') === false;
        const filters = Object.fromEntries([...given].filter(([key]) => key !== 'dangling'));
        const { removed, bytes } = await images.prune(imageFiltersOf(filters), all);
        response.json(200, { ImagesDeleted: removed, SpaceReclaimed: bytes });
      },
    },
    {
      method: 'GET',
      path: '/images/get',
      handler: async ({ query }, response) => {
        await save(images, query.all('names'), response);
      },
    },
    {
      method: 'GET',
      path: '/images/{name}/get',
      handler: async (request, response) => {
        await save(images, [request.parameter('name')], response);
      },
    },
    {
      method: 'POST',
      path: '/images/load',
      handler: async ({ body }, response) => {
        await streamed(response, async (send) => {
          for (const { id, repoTags } of await images.load(body as AsyncIterable<Buffer>)) {
            for (const tag of repoTags) send({ stream: `Loaded image: ${tag}\n` });
            if (repoTags.length === 0) send({ stream: `Loaded image ID: ${id}\n` });
          }
        });
      },
    },
    {
      method: 'GET',
      path: '/images/{name}/history',
      handler: async (request, response) => {
        response.json(200, await images.history(request.parameter('name')));
      },
    },
    {
      method: 'POST',
      path: '/images/{name}/tag',
      handler: async (request, response) => {
        const { query } = request;
        const name = withTag(query.text('repo'), query.text('tag'));
        if (name === '')
          throw new StackError('invalid_argument', 'a tag needs a repository (repo)');
        await images.tag(request.parameter('name'), name);
        response.empty(201);
      },
    },
    {
      method: 'POST',
      path: '/images/{name}/push',
      handler: async (request, response) => {
        const { query, headers, signal } = request;
        if (query.text('platform') !== '') {
          throw new StackError(
            'unimplemented',
            'pushing one platform is not implemented by this engine',
          );
        }
        const [auth] = [headers['x-registry-auth']].flat();
        const credentials = decodeRegistryAuth(auth);
        const reference = withTag(request.parameter('name'), query.text('tag'));
        await streamed(response, (send) =>
          images.push(reference, { signal, ...(credentials && { credentials }) }, send),
        );
      },
    },
    { method: 'POST', path: '/images/create', handler: (...args) => pull(images, ...args) },
    {
      method: 'GET',
      path: '/images/{name}/json',
      handler: async (request, response) => {
        const image = await images.inspect(request.parameter('name'));
        response.json(200, shapeImage(image, request.version));
      },
    },
    {
      method: 'DELETE',
      path: '/images/{name}',
      handler: async (request, response) => {
        const { query } = request;
        const options = { force: query.boolean('force'), noPrune: query.boolean('noprune') };
        response.json(200, await images.remove(request.parameter('name'), options));
      },
    },
  ];
}

async function pull(
  images: ImagesBackend,
  { query, headers, signal }: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  if (query.has('fromSrc')) {
    throw new StackError('unimplemented', 'importing an image is not implemented by this engine');
  }
  const reference = withTag(query.text('fromImage'), query.text('tag'));
  if (reference === '') {
    throw new StackError('invalid_argument', 'pull needs the name of an image (fromImage)');
  }
  const [auth] = [headers['x-registry-auth']].flat();
  const credentials = decodeRegistryAuth(auth);
  const platform = query.text('platform');
  await streamed(response, (send) =>
    images.pull(
      reference,
      { signal, ...(credentials && { credentials }), ...(platform !== '' && { platform }) },
      send,
    ),
  );
}

/** A failure in the middle cuts the connection off: the archive has no place for words. */
async function save(
  images: ImagesBackend,
  references: readonly string[],
  response: ApiResponse,
): Promise<void> {
  const archive = await images.save(references);
  const body = response.stream(200, 'application/x-tar');
  try {
    await pipeline(archive, body);
  } catch (error) {
    body.destroy(new Error(messageOf(error)));
  }
}

/** Messages of an action as they come; a failure before the first one has a status, later ones travel in the stream. */
async function streamed(
  response: ApiResponse,
  action: (send: (message: unknown) => void) => Promise<unknown>,
): Promise<void> {
  let body: ReturnType<ApiResponse['stream']> | undefined;
  const send = (message: unknown): void => {
    body ??= response.stream(200, 'application/json');
    body.write(encodeJson(message));
  };
  try {
    await action(send);
  } catch (error) {
    if (!body) throw error;
    send({ errorDetail: { message: messageOf(error) }, error: messageOf(error) });
  }
  body?.end();
}

/** `tag` may be a tag, or a digest. */
function withTag(name: string, tag: string): string {
  if (tag === '' || name === '') return name;
  return tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`;
}
