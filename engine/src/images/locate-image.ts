/** What a name, a digest or an id means, by questions about that one: not about every image there is. */
import type { Platform } from '#spec/oci/image';
import { parseReference, type ImageReference } from '#spec/reference';
import { isStackError } from '#spec/errors';
import type { ImageDocuments } from './documents.ts';
import type { ImageCatalog, ImageRecord } from './image-catalog.ts';
import { isDangling, referenceOfName, storeName } from './image-names.ts';

/** An image, and one of its names: the one that was meant, if it was a name. */
export interface LocatedImage {
  readonly documents: ImageDocuments;
  readonly record: ImageRecord;
}

/** As {@link ImageCatalog.find}, for those to whom the image's other names do not matter. Throws what that throws. */
export async function locateImage(
  catalog: ImageCatalog,
  text: string,
  platform?: Platform,
): Promise<LocatedImage> {
  const found = (await locateByName(catalog, text)) ?? (await locateById(catalog, text));
  if (found && (platform === undefined || catalog.runsOn(found.documents, platform))) return found;
  // An abbreviated id, another platform, or nothing: all have to be looked at.
  const { entry, record } = await catalog.find(text, platform);
  return { documents: entry.documents, record };
}

async function locateByName(
  catalog: ImageCatalog,
  text: string,
): Promise<LocatedImage | undefined> {
  const reference = isWholeId(text) ? undefined : referenceIn(text);
  if (!reference) return undefined;
  const { digest, domain, path } = reference;
  if (digest === undefined) {
    return firstDescribed(catalog, await catalog.records([equals('name', storeName(reference))]));
  }
  const records = await catalog.records([equals('target.digest', digest)]);
  const own = records.filter(({ name }) => {
    const other = referenceOfName(name);
    return other?.domain === domain && other.path === path;
  });
  return firstDescribed(catalog, own);
}

/** By a whole id of which the documents were read before. */
async function locateById(catalog: ImageCatalog, text: string): Promise<LocatedImage | undefined> {
  if (!isWholeId(text)) return undefined;
  const id = text.startsWith('sha256:') ? text : `sha256:${text}`;
  const targets = catalog.knownTargetsOf(id);
  if (targets.length === 0) return undefined;
  const records = await catalog.records(targets.map((digest) => equals('target.digest', digest)));
  const tagged = records.filter(({ name }) => !isDangling(name));
  for (const record of [...tagged, ...records]) {
    const documents = await catalog.describe(record);
    if (documents?.id === id) return { documents, record };
  }
  return undefined;
}

async function firstDescribed(
  catalog: ImageCatalog,
  records: readonly ImageRecord[],
): Promise<LocatedImage | undefined> {
  for (const record of records) {
    const documents = await catalog.describe(record);
    if (documents) return { documents, record };
  }
  return undefined;
}

/** In containerd's filter language. */
function equals(field: string, value: string): string {
  return `${field}==${JSON.stringify(value)}`;
}

function isWholeId(text: string): boolean {
  return /^(?:sha256:)?[0-9a-f]{64}$/.test(text);
}

function referenceIn(text: string): ImageReference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (isStackError(error, 'invalid_argument')) return undefined; // find() says what is wrong
    throw error;
  }
}
