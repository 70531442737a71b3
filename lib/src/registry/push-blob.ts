/**
 * Brings a blob into a repository (distribution specification, "Pushing blobs"), with as few bytes as it takes:
 *
 *     HEAD   blobs/<digest>                                     it is there: done
 *     POST   blobs/uploads/?mount=<digest>&from=<repository>    201: it is in another repository; 202: an upload begins
 *     POST   blobs/uploads/                                     an upload begins
 *     PATCH  <location>   Content-Range: <first>-<last>         a piece; as often as needed
 *     GET    <location>                                         how far it is, after a piece went wrong
 *     PUT    <location>?digest=<digest>                         the end
 */
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import type { Endpoint } from './endpoint.ts';
import type { RequestBody } from './http-client.ts';
import { TemporaryFailure } from './http-error.ts';
import type { RemoteRepository } from './registry-client.ts';
import { RegistryError } from './registry-error.ts';
import { waitToRetry, withRetries } from './retry.ts';
import type { SessionRequest, SessionResponse } from './session.ts';

/** Content that can be read again from anywhere: connections break. */
export type BlobReader = (offset: number) => AsyncIterable<Uint8Array>;

export interface PushBlobOptions {
  read: BlobReader;
  /** Other repositories of the registry that are believed to have it. */
  mountFrom?: readonly string[];
  /** Called with the repository that it was mounted from. */
  onMounted?: (repository: string) => void;
  /** Called with the bytes sent so far. */
  onProgress?: (offset: number) => void;
  /** Bytes in one piece. */
  chunkBytes?: number;
}

/** How the blob came to be there. */
export type PushedBlob = 'exists' | 'mounted' | 'uploaded';

/** Smaller blobs go in one request. Larger pieces would lose more at registries that forget what breaks off. */
const defaultChunkBytes = 32 * 1024 * 1024;
/** Mounts that are tried: each costs a round trip, and perhaps a token. */
const mostMounts = 3;

/** Throws what the registry says, data_loss if it has got something else than what was sent. */
export async function pushBlob(
  repository: RemoteRepository,
  descriptor: Descriptor,
  options: PushBlobOptions,
): Promise<PushedBlob> {
  return new BlobPush(repository, descriptor, options).run();
}

/** An upload under way. */
interface Upload {
  endpoint: Endpoint;
  /** Changes with every answer. */
  location: string;
}

class BlobPush {
  readonly #repository: RemoteRepository;
  readonly #descriptor: Descriptor;
  readonly #options: PushBlobOptions;

  constructor(repository: RemoteRepository, descriptor: Descriptor, options: PushBlobOptions) {
    this.#repository = repository;
    this.#descriptor = descriptor;
    this.#options = options;
  }

  async run(): Promise<PushedBlob> {
    if (await this.#exists()) return 'exists';
    const begun = await this.#mount();
    if (begun === 'mounted') return begun;
    const { size } = this.#descriptor;
    const { chunkBytes = defaultChunkBytes } = this.#options;
    if (size <= chunkBytes) await this.#inOneRequest(begun);
    else await this.#inPieces(begun ?? (await this.#begin()), chunkBytes);
    return 'uploaded';
  }

  async #exists(): Promise<boolean> {
    try {
      await this.#ask(`blobs/${this.#descriptor.digest}`, { method: 'HEAD' });
      return true;
    } catch (error) {
      if (isStackError(error, 'not_found')) return false;
      throw error;
    }
  }

  /** An upload where the registry did not mount but has begun one instead. */
  async #mount(): Promise<'mounted' | Upload | undefined> {
    const { digest } = this.#descriptor;
    const own = this.#repository.session.reference.path;
    const others = (this.#options.mountFrom ?? []).filter((path) => path !== own);
    for (const from of others.slice(0, mostMounts)) {
      const query = new URLSearchParams({ mount: digest, from });
      try {
        const response = await this.#ask(`blobs/uploads/?${query.toString()}`, {
          method: 'POST',
          alsoReads: [from],
        });
        if (response.status !== 201) return uploadOf(response);
        this.#options.onMounted?.(from);
        return 'mounted';
      } catch (error) {
        // What the user may not read there, or is not there any more, is sent from here.
        if (!(error instanceof RegistryError) && !isStackError(error, 'unauthenticated'))
          throw error;
      }
    }
    return undefined;
  }

  async #begin(): Promise<Upload> {
    return uploadOf(await this.#ask('blobs/uploads/', { method: 'POST' }));
  }

  /** Sends the whole blob with the request that ends the upload. What breaks off begins anew. */
  async #inOneRequest(begun: Upload | undefined): Promise<void> {
    let upload = begun;
    await this.#withRetries(async () => {
      const { endpoint, location } = upload ?? (await this.#begin());
      upload = undefined;
      await this.#end({ endpoint, location }, this.#body(0, this.#descriptor.size));
    });
  }

  async #inPieces(begun: Upload, chunkBytes: number): Promise<void> {
    const { size } = this.#descriptor;
    let upload = begun;
    let attempt = 0;
    for (let offset = 0; offset < size;) {
      const length = Math.min(chunkBytes, size - offset);
      try {
        const response = await this.#continue(upload, {
          method: 'PATCH',
          headers: {
            'content-type': 'application/octet-stream',
            'content-range': `${offset}-${offset + length - 1}`,
          },
          body: this.#body(offset, length),
        });
        upload = uploadOf(response);
        offset = receivedBytes(response) ?? offset + length;
        attempt = 0;
      } catch (error) {
        if (offset === 0 && isUnwilling(error)) {
          await this.#inOneRequest(undefined); // a registry without uploads in pieces
          return;
        }
        await this.#wait(++attempt, error);
        ({ upload, offset } = await this.#resume(upload));
      }
    }
    await this.#withRetries(() => this.#end(upload));
  }

  /** How far the upload is; a new one where the registry has forgotten it. */
  async #resume(upload: Upload): Promise<{ upload: Upload; offset: number }> {
    try {
      const response = await this.#withRetries(() => this.#continue(upload, { method: 'GET' }));
      return { upload: uploadOf(response, upload), offset: receivedBytes(response) ?? 0 };
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      return { upload: await this.#begin(), offset: 0 };
    }
  }

  async #end({ endpoint, location }: Upload, body?: RequestBody): Promise<void> {
    const url = new URL(location);
    url.searchParams.set('digest', this.#descriptor.digest);
    const response = await this.#continue(
      { endpoint, location: url.href },
      {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body: body ?? emptyBody,
      },
    );
    verifyStored(response, this.#descriptor.digest);
  }

  /** Content from `offset` on. Throws data_loss where there is less than the descriptor says. */
  #body(offset: number, length: number): RequestBody {
    const { read, onProgress } = this.#options;
    const { digest, size } = this.#descriptor;
    return {
      sizeBytes: length,
      async *read() {
        let left = length;
        for await (const bytes of read(offset)) {
          const piece = bytes.subarray(0, left);
          left -= piece.length;
          onProgress?.(offset + length - left);
          yield piece;
          if (left === 0) return;
        }
        if (left > 0) throw new StackError('data_loss', `${digest} has less than ${size} bytes`);
      },
    };
  }

  /** A whole attempt again, or none where it would not help. */
  async #wait(attempt: number, error: unknown): Promise<void> {
    const isOutOfStep = isStackError(error, 'out_of_range'); // it has more or less than we believe
    const cause = isOutOfStep ? new TemporaryFailure(error.kind, error.message) : error;
    await waitToRetry(this.#repository.retries, attempt, cause, this.#repository.session.signal);
  }

  #ask(path: string, request: Omit<SessionRequest, 'capability'>): Promise<SessionResponse> {
    const { session } = this.#repository;
    return this.#withRetries(() => session.request(path, { ...request, capability: 'push' }));
  }

  async #continue(
    { endpoint, location }: Upload,
    request: Omit<SessionRequest, 'capability'>,
  ): Promise<SessionResponse> {
    const { session } = this.#repository;
    return session.requestFrom(endpoint, location, { ...request, capability: 'push' });
  }

  #withRetries<T>(action: () => Promise<T>): Promise<T> {
    return withRetries(this.#repository.retries, action, this.#repository.session.signal);
  }
}

const emptyBody: RequestBody = {
  sizeBytes: 0,
  async *read() {
    // nothing
  },
};

/** Throws data_loss if the registry says that it stores something else under another digest. */
export function verifyStored(response: SessionResponse, digest: string): void {
  const stored = response.header('docker-content-digest');
  if (stored !== undefined && stored !== digest) {
    throw new StackError('data_loss', `the registry stores ${digest} as ${stored}`);
  }
}

/** Where the upload goes on. Some registries give a path only. */
function uploadOf(response: SessionResponse, known?: Upload): Upload {
  const { endpoint, url } = response;
  const location = response.header('location') ?? known?.location;
  if (location === undefined) {
    throw new StackError('unavailable', `${url} does not say where the upload goes on`);
  }
  return { endpoint, location: new URL(location, url).href };
}

/** `Range: 0-<last>`; nothing and one byte are both `0-0`, and no piece is that small. */
function receivedBytes(response: SessionResponse): number | undefined {
  const last = /^(?:bytes=)?0-(\d+)$/.exec(response.header('range') ?? '')?.[1];
  if (last === undefined) return undefined;
  return last === '0' ? 0 : Number(last) + 1;
}

/** Whether the registry refuses pieces as such. */
function isUnwilling(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  return ['invalid_argument', 'not_found', 'unimplemented', 'internal'].includes(error.kind);
}
