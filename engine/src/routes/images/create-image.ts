/** `POST /images/create`: pull and import. */
import { Readable } from 'node:stream';
import { parsePlatform, hostPlatform } from '#lib/registry/platform';
import { messageOf, StackError } from '#spec/errors';
import { familiarName, formatReference } from '#spec/reference';
import { isAtLeast } from '../../http/api-version.ts';
import type { ApiRequest } from '../../http/request.ts';
import type { ApiResponse } from '../../http/response.ts';
import { progressBar } from '../../images/pull-progress.ts';
import type { ImagesBackend } from './backend.ts';
import { streamMessages } from './message-stream.ts';
import { accessOf, referenceOf, tagReferenceOf } from './parameters.ts';

export async function createImage(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { query, version } = request;
  const platform = isAtLeast(version, '1.32') ? query.text('platform') : '';
  if (platform !== '') parsePlatform(platform); // refused before anything begins
  if (query.text('fromImage') !== '') await pull(images, request, response, platform);
  else await importImage(images, request, response, platform);
}

async function pull(
  images: ImagesBackend,
  request: ApiRequest,
  response: ApiResponse,
  platform: string,
): Promise<void> {
  const { query } = request;
  // Some clients ask for all tags by a colon at the end.
  const reference = referenceOf(query.text('fromImage').replace(/:$/, ''), query.text('tag'));
  if (familiarName(reference) === 'scratch') {
    throw new StackError('permission_denied', "'scratch' is a reserved name");
  }
  const options = { ...accessOf(request), ...(platform !== '' && { platform }) };
  await streamMessages(response, (send) =>
    reference.tag === undefined && reference.digest === undefined
      ? images.pullAll(formatReference(reference), options, send)
      : images.pull(formatReference(reference), options, send),
  );
}

async function importImage(
  images: ImagesBackend,
  { query, body, signal }: ApiRequest,
  response: ApiResponse,
  platform: string,
): Promise<void> {
  const source = query.text('fromSrc');
  if (source === '') {
    throw new StackError(
      'invalid_argument',
      'neither an image to pull (fromImage) nor an archive to import (fromSrc) is named',
    );
  }
  const reference = tagReferenceOf(query.text('repo'), query.text('tag'));
  const message = query.text('message');
  const options = {
    ...(reference !== undefined && { reference }),
    platform: platform === '' ? hostPlatform() : parsePlatform(platform),
    message: message === '' ? `Imported from ${source}` : message,
    changes: query.all('changes'),
  };
  await streamMessages(response, async (send) => {
    const archive =
      source === '-' ? (body as AsyncIterable<Buffer>) : await download(source, signal, send);
    send({ status: await images.importRoot(archive, options) });
  });
}

/** An archive from the web. Throws invalid_argument for what is no URL, and what the server says. */
async function download(
  source: string,
  signal: AbortSignal,
  send: (message: unknown) => void,
): Promise<AsyncIterable<Buffer>> {
  const text = source.includes('://') ? source : `http://${source}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new StackError('invalid_argument', `"${source}" is not an http or https URL`);
  }
  let answer: Response;
  try {
    answer = await fetch(url, { signal });
  } catch (error) {
    const reason =
      error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    throw new StackError('unavailable', `failed to GET ${url.href}: ${reason}`, { cause: error });
  }
  if (!answer.ok || !answer.body) {
    const words = (await answer.text()).trim();
    const said = words === '' ? '' : `: ${words.slice(0, 1000)}`;
    throw new StackError(
      answer.status === 404 ? 'not_found' : 'invalid_argument',
      `failed to GET ${url.href} with status ${answer.status} ${answer.statusText}${said}`,
    );
  }
  send({ status: `Downloading from ${url.href}` });
  const total = Number(answer.headers.get('content-length') ?? 0);
  return withProgress(Readable.fromWeb(answer.body), total, send);
}

/** Bars that move more often than this only cost time. */
const intervalMs = 100;

async function* withProgress(
  source: AsyncIterable<Buffer>,
  total: number,
  send: (message: unknown) => void,
): AsyncGenerator<Buffer> {
  let current = 0;
  let last = -Infinity;
  for await (const bytes of source) {
    yield Buffer.from(bytes);
    current += bytes.length;
    if (performance.now() - last < intervalMs && current !== total) continue;
    last = performance.now();
    send({
      status: 'Importing',
      progressDetail: { current, ...(total > 0 && { total }) },
      progress: progressBar(current, total),
    });
  }
}
