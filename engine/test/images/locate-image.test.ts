import { expect } from 'chai';
import type { ContainerdClient } from '#proto/containerd-client';
import { digestOf } from '#spec/digest';
import { DocumentReader } from '../../src/images/documents.ts';
import { ImageCatalog } from '../../src/images/image-catalog.ts';
import type { ImageContent } from '../../src/images/image-content.ts';
import { locateImage } from '../../src/images/locate-image.ts';
import type { Unpacker } from '../../src/images/unpack-image.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** A store with an image per name, of an architecture. Names that begin alike share an image. */
class Store {
  readonly blobs = new Map<string, Buffer>();
  readonly images: { name: string; target: { mediaType: string; digest: string; size: number } }[] =
    [];
  /** What containerd was asked to list. */
  readonly asked: string[][] = [];
  readonly catalog: ImageCatalog;

  constructor() {
    const list = ({ filters = [] }: { filters?: string[] }) => {
      this.asked.push(filters);
      const images = this.images.filter(
        ({ name, target }) =>
          filters.length === 0 ||
          filters.includes(`name=="${name}"`) ||
          filters.includes(`target.digest=="${target.digest}"`),
      );
      return Promise.resolve({ images });
    };
    // Doubles of what the catalogue uses, which is little of these.
    const client = { images: { list } } as unknown as ContainerdClient;
    const content = {
      read: (digest: string) => Promise.resolve(this.blobs.get(digest)),
      has: (digest: string) => Promise.resolve(this.blobs.has(digest)),
    } as unknown as ImageContent;
    this.catalog = new ImageCatalog(client, new DocumentReader(content), {} as Unpacker);
  }

  /** Returns the image's id and the digest of its manifest. */
  add(name: string, content: string, architecture = 'amd64'): { id: string; digest: string } {
    const config = { architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, content };
    const id = this.#put(config);
    const mediaType = 'application/vnd.oci.image.config.v1+json';
    const manifest = {
      ...{ schemaVersion: 2, mediaType: manifestType, layers: [] },
      config: { mediaType, digest: id, size: 1 },
    };
    const digest = this.#put(manifest);
    this.images.push({ name, target: { mediaType: manifestType, digest, size: 1 } });
    return { id, digest };
  }

  #put(document: unknown): string {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }
}

describe('locateImage', () => {
  let store: Store;
  let ids: { id: string; digest: string };
  beforeEach(() => {
    store = new Store();
    store.add('docker.io/library/other:latest', 'other');
    ids = store.add('docker.io/library/wanted:latest', 'wanted');
    store.add('registry.example/copy:1', 'wanted');
  });
  const locate = async (text: string, architecture?: string) => {
    const platform = architecture === undefined ? undefined : { os: 'linux', architecture };
    const { documents, record } = await locateImage(store.catalog, text, platform);
    return { id: documents.id, name: record.name };
  };

  it('asks for one name', async () => {
    expect(await locate('wanted')).to.deep.equal({
      id: ids.id,
      name: 'docker.io/library/wanted:latest',
    });
    expect(store.asked).to.deep.equal([['name=="docker.io/library/wanted:latest"']]);
  });

  it('asks for one digest, and takes the name of the repository that is meant', async () => {
    expect(await locate(`registry.example/copy@${ids.digest}`)).to.deep.equal({
      id: ids.id,
      name: 'registry.example/copy:1',
    });
    expect(store.asked).to.deep.equal([[`target.digest=="${ids.digest}"`]]);
  });

  it('looks at all images for an id once, and asks for what it stands for then', async () => {
    const name = 'docker.io/library/wanted:latest';
    expect(await locate(ids.id)).to.deep.equal({ id: ids.id, name });
    expect(store.asked).to.deep.equal([[]]);
    store.asked.length = 0;
    for (const text of [ids.id, ids.id.slice('sha256:'.length)]) {
      expect(await locate(text)).to.deep.equal({ id: ids.id, name });
    }
    const filter = [`target.digest=="${ids.digest}"`];
    expect(store.asked).to.deep.equal([filter, filter]);
  });

  it('finds by the beginning of an id, as ever', async () => {
    expect((await locate(ids.id.slice('sha256:'.length, 'sha256:'.length + 12))).id).to.equal(
      ids.id,
    );
  });

  it('does not find an id of which the names have gone', async () => {
    await locate(ids.id);
    store.images.length = 0;
    const error: unknown = await locate(ids.id).catch((e: unknown) => e);
    expect(error).to.have.property('kind', 'not_found');
  });

  it('says what is not there, what is no reference, and what is of another platform', async () => {
    const failure = async (...args: [string, string?]): Promise<unknown> =>
      locate(...args).then(
        () => 'found',
        (error: unknown) => error,
      );
    expect(await failure('missing')).to.have.property('message', 'No such image: missing:latest');
    expect(await failure('UPPER')).to.have.property('kind', 'invalid_argument');
    expect(await failure('wanted', 'arm64'))
      .to.have.property('message')
      .that.includes('does not match the specified platform');
    expect(await failure('wanted', 'amd64')).to.equal('found');
  });
});
