/** Moves images: from a registry into the store, from there to other names, registries and archives. */
import { randomUUID } from 'node:crypto';
import { isAny, unpackAny } from '#proto/any';
import {
  ImageExportStream,
  ImageImportStream,
  ImageStore,
  OCIRegistry,
} from '#proto/generated/containerd.types.transfer';
import type { TransferRequest } from '#proto/generated/containerd.services.transfer.v1';
import type { Any } from '#proto/generated/google.protobuf';
import type { CallContext } from '#proto/service';
import { requireNamespace } from '#proto/server';
import { StackError } from '#spec/errors';
import { exportImages } from './export.ts';
import { importArchive } from './import.ts';
import { withTransferLease } from './lease.ts';
import { imagesOf, namesOf, storeNames, targetDescriptor } from './image-store.ts';
import { TransferProgress } from './progress.ts';
import { Pull } from './pull.ts';
import { push } from './push.ts';
import { openRegistry } from './remote-registry.ts';
import type { Session, TransferParts } from './session.ts';
import { Unpacker } from './unpacker.ts';

export class Transfers {
  readonly #parts: TransferParts;
  readonly #unpacker: Unpacker;
  /** Layers on their way, by namespace and digest. */
  readonly #downloads = new Map<string, Promise<void>>();

  constructor(parts: TransferParts) {
    this.#parts = parts;
    this.#unpacker = new Unpacker(parts);
  }

  /** Throws unimplemented for a source and destination that do not go together. */
  async transfer(request: TransferRequest, context: CallContext): Promise<void> {
    const namespace = requireNamespace(context);
    const { source, destination, options } = request;
    if (!source || !destination) {
      throw new StackError('invalid_argument', 'a transfer needs a source and a destination');
    }
    const { streams } = this.#parts;
    const id = options?.progressStream ?? '';
    const progress = new TransferProgress(id === '' ? undefined : streams.get(namespace, id));
    try {
      const lease = context.lease ?? `transfer-${randomUUID()}`;
      const session: Session = { namespace, lease, signal: context.signal, progress };
      const run = async () => this.#run(source, destination, session);
      if (context.lease !== undefined) await run();
      else await withTransferLease(this.#parts, session, run);
    } finally {
      progress.close();
    }
  }

  async #run(source: Any, destination: Any, session: Session): Promise<void> {
    if (isAny(ImageStore, destination)) {
      const store = unpackAny(ImageStore, destination);
      if (isAny(OCIRegistry, source))
        return this.#pull(unpackAny(OCIRegistry, source), store, session);
      if (isAny(ImageStore, source))
        return this.#tag(unpackAny(ImageStore, source), store, session);
      if (isAny(ImageImportStream, source)) {
        const archive = unpackAny(ImageImportStream, source);
        return importArchive(this.#parts, session, archive, store, this.#unpacker);
      }
    } else if (isAny(ImageStore, source) && isAny(OCIRegistry, destination)) {
      return this.#push(
        unpackAny(ImageStore, source),
        unpackAny(OCIRegistry, destination),
        session,
      );
    } else if (isAny(ImageStore, source) && isAny(ImageExportStream, destination)) {
      const images = imagesOf(this.#parts, session, unpackAny(ImageStore, source));
      const archive = unpackAny(ImageExportStream, destination);
      return exportImages(this.#parts, session, images, archive);
    }
    throw new StackError(
      'unimplemented',
      `method Transfer not implemented for ${source.typeUrl} to ${destination.typeUrl}`,
    );
  }

  async #pull(source: OCIRegistry, store: ImageStore, session: Session): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([session.signal, failed.signal]);
    const own = { ...session, signal };
    const registry = openRegistry(source, own, this.#parts);
    const pull = new Pull(this.#parts, own, registry, store, this.#downloads);
    try {
      await pull.run(this.#unpacker);
    } catch (error) {
      failed.abort();
      await pull.ended(); // what is still being written cannot be collected
      throw error;
    } finally {
      registry.close();
    }
  }

  async #push(store: ImageStore, destination: OCIRegistry, session: Session): Promise<void> {
    const registry = openRegistry(destination, session, this.#parts);
    try {
      await push(this.#parts, session, store, registry);
    } finally {
      registry.close();
    }
  }

  async #tag(source: ImageStore, store: ImageStore, session: Session): Promise<void> {
    const image = this.#parts.images.get(session.namespace, source.name);
    const target = targetDescriptor(image);
    const names = namesOf(store, target);
    if (names.length === 0) throw new StackError('not_found', 'no image name found: not found');
    storeNames(this.#parts, session, store, target, names);
  }
}
