/** The stores over a database in a temporary folder, opened before and closed after each test. */
import path from 'node:path';
import { ContentStore } from '../src/content/content-store.ts';
import { Leases } from '../src/leases/leases.ts';
import { MetadataStore } from '../src/metadata/metadata-store.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

export interface Stores {
  folder: string;
  metadata: MetadataStore;
  leases: Leases;
  content: ContentStore;
}

/** To be called in a `describe`: the returned function gives the stores of the test that runs. */
export function useStores(): () => Stores {
  const folder = useTemporaryFolder();
  let stores: Stores | undefined;
  beforeEach(() => {
    const metadata = new MetadataStore(path.join(folder(), 'metadata'));
    const leases = new Leases(metadata);
    const content = new ContentStore(path.join(folder(), 'content'), metadata, leases);
    stores = { folder: folder(), metadata, leases, content };
  });
  afterEach(async () => {
    await stores?.metadata.close();
  });
  return () => {
    if (!stores) throw new Error('only within a test');
    return stores;
  };
}

/** Stores a blob and returns its digest. */
export async function ingest(
  { content }: Stores,
  namespace: string,
  text: string,
  { labels = {}, lease }: { labels?: Record<string, string>; lease?: string } = {},
): Promise<string> {
  const ref = `ingest-${text}`;
  const writer = await content.openWriter(namespace, ref, { expected: '', total: 0, lease });
  try {
    await writer.write(0, Buffer.from(text));
    return await writer.commit(0, '', labels);
  } finally {
    await writer.close();
  }
}
