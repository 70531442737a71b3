/** /images: list, inspect, history, tag, remove, prune; pull, push and archives. */
import { pipeline } from 'node:stream/promises';
import { messageOf, StackError } from '#spec/errors';
import type { Platform } from '#spec/oci/image';
import { formatReference } from '#spec/reference';
import { isAtLeast } from '../../http/api-version.ts';
import { booleanFilter } from '../../http/query.ts';
import type { ApiRequest } from '../../http/request.ts';
import type { ApiResponse } from '../../http/response.ts';
import type { Handler, Route } from '../../http/router.ts';
import { imageFiltersOf } from '../../images/filters.ts';
import type { ImagesBackend } from './backend.ts';
import { createImage } from './create-image.ts';
import { streamMessages } from './message-stream.ts';
import { accessOf, platformIn, platformOf, referenceOf, tagReferenceOf } from './parameters.ts';
import { inspectFor, summaryFor } from './shapes.ts';

export function imageRoutes(images: ImagesBackend): Route[] {
  const route = (
    method: Route['method'],
    path: string,
    handle: (images: ImagesBackend, request: ApiRequest, response: ApiResponse) => Promise<void>,
  ): Route => {
    const handler: Handler = (request, response) => handle(images, request, response);
    return { method, path, handler };
  };
  return [
    route('GET', '/images/json', list),
    route('POST', '/images/prune', prune),
    route('GET', '/images/get', (all, request, response) =>
      save(all, request.query.all('names'), request, response),
    ),
    route('GET', '/images/{name}/get', (all, request, response) =>
      save(all, [request.parameter('name')], request, response),
    ),
    route('POST', '/images/load', load),
    route('GET', '/images/{name}/history', history),
    route('POST', '/images/{name}/tag', tag),
    route('POST', '/images/{name}/push', push),
    route('POST', '/images/create', createImage),
    route('GET', '/images/{name}/json', inspect),
    route('DELETE', '/images/{name}', remove),
  ];
}

const filterKeys = [
  'before',
  'dangling',
  'label',
  'label!',
  'reference',
  'since',
  'until',
] as const;

async function list(
  images: ImagesBackend,
  { query, version }: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const given = new Map(query.filters(filterKeys));
  // Before `filters` there was one for names.
  const pattern = isAtLeast(version, '1.41') ? '' : query.text('filter');
  if (pattern !== '') given.set('reference', [...(given.get('reference') ?? []), pattern]);
  const summaries = await images.list(imageFiltersOf(Object.fromEntries(given)), {
    sharedSize: isAtLeast(version, '1.42') && query.boolean('shared-size'),
    manifests: isAtLeast(version, '1.47') && query.boolean('manifests'),
  });
  response.json(
    200,
    summaries.map((summary) => summaryFor(summary, version)),
  );
}

async function inspect(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { query, version } = request;
  const manifests = isAtLeast(version, '1.48') && query.boolean('manifests');
  const platform = platformOf(request, '1.49');
  if (manifests && platform) {
    throw new StackError(
      'invalid_argument',
      'conflicting options: manifests and platform options cannot both be set',
    );
  }
  const image = await images.inspect(request.parameter('name'), {
    manifests,
    ...(platform && { platform }),
  });
  response.json(200, inspectFor(image, version));
}

async function history(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const platform = platformOf(request, '1.48');
  response.json(200, await images.history(request.parameter('name'), platform));
}

async function tag(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { query } = request;
  const name = tagReferenceOf(query.text('repo'), query.text('tag'));
  if (name === undefined) {
    throw new StackError('invalid_argument', 'a tag needs a repository (repo)');
  }
  await images.tag(request.parameter('name'), name);
  response.empty(201);
}

async function push(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const platform = platformOf(request, '1.46');
  const reference = referenceOf(request.parameter('name'), request.query.text('tag'));
  const options = { ...accessOf(request), ...(platform && { platform }) };
  const name = formatReference(reference);
  await streamMessages(response, (send) =>
    reference.tag === undefined && reference.digest === undefined
      ? images.pushAll(name, options, send)
      : images.push(name, options, send),
  );
}

async function load(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { query, body, signal } = request;
  const platform = platformOf(request, '1.48');
  const options = {
    quiet: !query.has('quiet') || query.boolean('quiet'),
    signal,
    ...(platform && { platform }),
  };
  await streamMessages(
    response,
    (send) => images.load(body as AsyncIterable<Buffer>, options, send),
    { begun: true }, // as dockerd's: whatever is wrong with an archive is said in the stream
  );
}

/** A failure in the middle cuts the connection off: the archive has no place for words. */
async function save(
  images: ImagesBackend,
  references: readonly string[],
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const archive = await images.save(references, platformOf(request, '1.48'));
  const body = response.stream(200, 'application/x-tar');
  try {
    await pipeline(archive, body);
  } catch (error) {
    body.destroy(new Error(messageOf(error)));
  }
}

async function remove(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { query, version } = request;
  const name = request.parameter('name');
  if (name.trim() === '') {
    throw new StackError('invalid_argument', 'image name cannot be blank');
  }
  const platforms: readonly Platform[] = isAtLeast(version, '1.50')
    ? query.all('platforms').map(platformIn)
    : [];
  const options = {
    force: query.boolean('force'),
    noPrune: query.boolean('noprune'),
    platforms,
  };
  response.json(200, await images.remove(name, options));
}

async function prune(
  images: ImagesBackend,
  { query }: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const given = query.filters(['dangling', 'label', 'label!', 'until']);
  const all = booleanFilter(given, 'dangling') === false;
  const filters = Object.fromEntries([...given].filter(([key]) => key !== 'dangling'));
  const { removed, bytes } = await images.prune(imageFiltersOf(filters), all);
  response.json(200, {
    ImagesDeleted: removed.length > 0 ? removed : null,
    SpaceReclaimed: bytes,
  });
}
