/** An image of the list as `images` and `system df` show it: a row for each name. */
import { humanDuration } from '#spec/human-duration';
import { repositoryName } from './image-name.ts';
import { goTime } from './timestamp.ts';
import { shortId } from './truncate.ts';
import { humanSize } from './units.ts';

export interface ImageSummary {
  Id: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Created: number;
  Size: number;
  SharedSize?: number;
  Containers?: number;
}

export type ImageRow = ReturnType<typeof imageRow>;

export interface ImageRowOptions {
  /** As without `--no-trunc`. */
  truncate: boolean;
  /** Show digests too: a row for each. */
  digests: boolean;
}

const none = '<none>';

/** A row for each tag; names that have a digest and no tag get one too. */
export function imageRows(image: ImageSummary, options: ImageRowOptions): ImageRow[] {
  const tags = (image.RepoTags ?? []).filter((name) => name !== `${none}:${none}`);
  const digests = (image.RepoDigests ?? []).filter((name) => name !== `${none}@${none}`);
  if (tags.length === 0 && digests.length === 0)
    return [imageRow(image, none, none, none, options)];
  const digestsOf = new Map<string, string[]>();
  for (const name of digests) {
    const repository = repositoryName(name);
    digestsOf.set(repository, [...(digestsOf.get(repository) ?? []), name.split('@')[1] ?? none]);
  }
  const tagged = new Set(tags.map(repositoryName));
  const rows = tags.flatMap((name) => {
    const repository = repositoryName(name);
    const shown = options.digests ? (digestsOf.get(repository) ?? [none]) : [none];
    const tag = name.slice(name.lastIndexOf(':') + 1);
    return shown.map((digest) => imageRow(image, repository, tag, digest, options));
  });
  for (const [repository, found] of digestsOf) {
    if (tagged.has(repository)) continue;
    const shown = options.digests ? found : [''];
    rows.push(...shown.map((digest) => imageRow(image, repository, none, digest, options)));
  }
  return rows;
}

/** One row of `image`, under the name that is given. */
export function imageRow(
  image: ImageSummary,
  repository: string,
  tag: string,
  digest: string,
  { truncate }: Pick<ImageRowOptions, 'truncate'>,
) {
  const { Size: size, SharedSize: shared = -1, Containers: containers = -1, Created } = image;
  return {
    Repository: repository,
    Tag: tag,
    Digest: digest,
    ID: truncate ? shortId(image.Id) : image.Id,
    CreatedSince: `${humanDuration(Date.now() - Created * 1000)} ago`,
    get CreatedAt() {
      return goTime(Created);
    },
    Size: humanSize(size),
    VirtualSize: humanSize(size, 4),
    SharedSize: shared === -1 ? 'N/A' : humanSize(shared, 4),
    UniqueSize: shared === -1 || size === -1 ? 'N/A' : humanSize(size - shared, 4),
    Containers: containers === -1 ? 'N/A' : String(containers),
  };
}

/** Headings of the fields that no table has by itself. */
export const imageHeadings = {
  Digest: 'DIGEST',
  CreatedAt: 'CREATED AT',
  VirtualSize: 'SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
  Containers: 'CONTAINERS',
} as const;
