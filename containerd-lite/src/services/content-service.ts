/** containerd.services.content.v1.Content */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import {
  type ContentService,
  type Info,
  type Status,
  type WriteContentRequest,
  type WriteContentResponse,
} from '#proto/generated/containerd.services.content.v1';
import { ContentCreate, ContentDelete } from '#proto/generated/containerd.events';
import { requireNamespace } from '#proto/server';
import type { Handlers } from '#proto/service';
import { timestampFromDate } from '#proto/timestamp';
import type { ContentStore } from '../content/content-store.ts';
import type { ContentWriter } from '../content/content-writer.ts';
import type { Exchange } from '../events/exchange.ts';
import { fieldsOf, parseFilters } from '../filters/filter.ts';
import type { GarbageCollector } from '../gc/garbage-collector.ts';

/** Bytes in one message of Read. */
const readFrameBytes = 1024 * 1024;
/** Blobs in one message of List. */
const listBatch = 100;

export function contentService(
  content: ContentStore,
  exchange: Exchange,
  gc: GarbageCollector,
): Handlers<typeof ContentService> {
  return {
    async info({ digest }, context) {
      return { info: content.info(requireNamespace(context), digest) };
    },

    async update({ info, updateMask }, context) {
      if (!info) throw new StackError('invalid_argument', 'content update needs an info');
      const namespace = requireNamespace(context);
      return { info: content.update(namespace, info.digest, info.labels, updateMask?.paths ?? []) };
    },

    async *list({ filters }, context) {
      const matches = parseFilters(filters);
      const found = content
        .list(requireNamespace(context))
        .filter((info) => matches(infoFields(info)));
      for (let start = 0; start < found.length; start += listBatch) {
        yield { info: found.slice(start, start + listBatch) };
      }
    },

    async delete({ digest }, context) {
      const namespace = requireNamespace(context);
      content.delete(namespace, digest);
      exchange.publish(namespace, '/content/delete', ContentDelete, { digest });
      gc.schedule();
      return {};
    },

    async *read({ digest, offset, size }, context) {
      const namespace = requireNamespace(context);
      const info = content.info(namespace, digest);
      const end = size === 0 ? info.size : offset + size;
      if (offset < 0 || size < 0 || offset > info.size || end > info.size) {
        throw new StackError(
          'out_of_range',
          `read past object length ${info.size} bytes: out of range`,
        );
      }
      const file = await fs.promises.open(content.blobPath(namespace, digest));
      try {
        for (let position = offset; position < end;) {
          const data = Buffer.allocUnsafe(Math.min(readFrameBytes, end - position));
          const { bytesRead } = await file.read(data, 0, data.length, position);
          if (bytesRead === 0) {
            throw new StackError('data_loss', `blob ${digest} ended at ${position}`);
          }
          yield { offset: position, data: data.subarray(0, bytesRead) };
          position += bytesRead;
        }
      } finally {
        await file.close();
      }
    },

    async status({ ref }, context) {
      return { status: await content.status(requireNamespace(context), ref) };
    },

    async listStatuses({ filters }, context) {
      const matches = parseFilters(filters);
      const statuses = await content.listStatuses(requireNamespace(context));
      return { statuses: statuses.filter((status) => matches(statusFields(status))) };
    },

    async *write(requests, context) {
      const namespace = requireNamespace(context);
      const session = new WriteSession(content, namespace, context.lease);
      try {
        for await (const request of requests) {
          const response = await session.answer(request);
          if (request.action === 'COMMIT') {
            const { digest, offset: size } = response;
            exchange.publish(namespace, '/content/create', ContentCreate, { digest, size });
          }
          yield response;
          if (request.action === 'COMMIT') return;
        }
      } finally {
        await session.close();
      }
    },

    async abort({ ref }, context) {
      await content.abort(requireNamespace(context), ref);
      return {};
    },
  };
}

/** One Write stream: the first message chooses the ingest, each is answered, COMMIT ends it. */
class WriteSession {
  readonly #content: ContentStore;
  readonly #namespace: string;
  readonly #lease: string | undefined;
  #writer: ContentWriter | undefined;
  #ref = '';
  #expected = '';
  #total = 0;

  constructor(content: ContentStore, namespace: string, lease: string | undefined) {
    this.#content = content;
    this.#namespace = namespace;
    this.#lease = lease;
  }

  async answer(request: WriteContentRequest): Promise<WriteContentResponse> {
    const { action, offset, data, labels } = request;
    this.#learn(request);
    if (this.#writer && request.expected !== '') await this.#refuseKnown(request.expected);
    const writer = await this.#openWriter();
    if (action !== 'STAT') await writer.write(offset, data);
    const digest =
      action === 'COMMIT'
        ? await writer.commit(this.#total, this.#expected, labels)
        : await writer.digest();
    return {
      action,
      startedAt: timestampFromDate(writer.startedAt),
      updatedAt: timestampFromDate(writer.updatedAt),
      offset: writer.offset,
      total: this.#total,
      digest,
    };
  }

  async close(): Promise<void> {
    await this.#writer?.close();
  }

  /** Ref, digest and size may come with any message, but not change. */
  #learn({ ref, expected, total }: WriteContentRequest): void {
    const conflicting = (what: string, known: unknown, given: unknown) =>
      new StackError(
        'invalid_argument',
        `${what} was ${String(known)} and cannot become ${String(given)}`,
      );
    if (ref !== '') {
      if (this.#ref !== '' && ref !== this.#ref) throw conflicting('ref', this.#ref, ref);
      this.#ref = ref;
    }
    if (expected !== '') {
      if (this.#expected !== '' && expected !== this.#expected) {
        throw conflicting('expected digest', this.#expected, expected);
      }
      this.#expected = expected;
    }
    if (total > 0) {
      if (this.#total > 0 && total !== this.#total) throw conflicting('total', this.#total, total);
      this.#total = total;
    }
  }

  /** A digest that is told late may turn out to be known already: then nothing of the ingest is needed. */
  async #refuseKnown(expected: string): Promise<void> {
    if (!this.#content.has(this.#namespace, expected)) return;
    await this.close();
    await this.#content.abort(this.#namespace, this.#ref);
    throw new StackError(
      'already_exists',
      `blob with expected digest ${expected} exists: already exists`,
    );
  }

  async #openWriter(): Promise<ContentWriter> {
    this.#writer ??= await this.#content.openWriter(this.#namespace, this.#ref, {
      expected: this.#expected,
      total: this.#total,
      lease: this.#lease,
    });
    return this.#writer;
  }
}

function infoFields({ digest, size, labels }: Info) {
  return fieldsOf({ digest, size: String(size) }, labels);
}

function statusFields({ ref }: Status) {
  return fieldsOf({ ref });
}
