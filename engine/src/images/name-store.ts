/** The names of images, changed one at a time: a removal must not overlook the name that a pull adds. */
import type { ContainerdClient } from '#proto/containerd-client';
import type { Descriptor } from '#spec/oci/image';
import { Mutex } from '../daemon/mutex.ts';
import type { ImageCatalog } from './image-catalog.ts';
import { danglingName } from './image-names.ts';
import { nameDangling } from './remove-image.ts';

export class NameStore {
  readonly #client: ContainerdClient;
  readonly #catalog: ImageCatalog;
  readonly #turns = new Mutex();

  constructor(client: ContainerdClient, catalog: ImageCatalog) {
    this.#client = client;
    this.#catalog = catalog;
  }

  /** Runs `action` while nobody else changes names. */
  exclusive<T>(action: () => Promise<T>): Promise<T> {
    return this.#turns.run(action);
  }

  /** Lets `name` point to `target`. Returns whether it did not before; what it pointed to then becomes dangling. */
  set(name: string, target: Descriptor): Promise<boolean> {
    const { images } = this.#client;
    const { mediaType, digest, size } = target;
    const image = { name, target: { mediaType, digest, size } };
    return this.exclusive(async () => {
      const records = await this.#catalog.records();
      const old = records.find((record) => record.name === name);
      if (old?.target.digest === digest) return false;
      if (old) {
        const others = records.filter((record) => record.target.digest === old.target.digest);
        if (others.length === 1) await nameDangling(images, old.target);
        await images.update({ image, updateMask: { paths: ['target'] } });
      } else {
        await images.create({ image });
      }
      if (records.some((record) => record.name === danglingName(digest))) {
        await images.delete({ name: danglingName(digest) });
      }
      return true;
    });
  }
}
