/** `engine images` and `engine rmi` */
import { defineCommand, forEachName } from '../command-line/command.ts';
import { boolean, list, missing, text } from '../command-line/flags.ts';
import { printRows } from '../format/listing.ts';
import { humanDuration, humanSize } from '../format/units.ts';
import { filterQuery } from './ps.ts';

interface ImageSummary {
  Id: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Created: number;
  Size: number;
}

export const images = defineCommand({
  name: 'images',
  synopsis: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  arguments: { min: 0, max: 1 },
  flags: {
    all: boolean('Show all images (default hides intermediate and dangling images)', 'a'),
    digests: boolean('Show digests'),
    filter: list('Filter output based on conditions provided', 'f', 'filter'),
    format: text("Format output: 'table', 'json' or a Go template"),
    'no-trunc': boolean("Don't truncate output"),
    quiet: boolean('Only show image IDs', 'q'),
    ...missing('tree'),
  },
  async run({ client }, values, [reference]) {
    const filters =
      reference === undefined ? values.filter : [...values.filter, `reference=${reference}`];
    const found = await client.json<ImageSummary[]>('GET', '/images/json', {
      query: { all: values.all ? 1 : undefined, filters: filterQuery(filters) },
    });
    const rows = found.flatMap((image) => {
      const digest = image.RepoDigests?.[0]?.split('@')[1] ?? '<none>';
      const names =
        image.RepoTags && image.RepoTags.length > 0 ? image.RepoTags : ['<none>:<none>'];
      return names.map((name) => {
        const colon = name.lastIndexOf(':');
        const untagged =
          name === '<none>:<none>' ? image.RepoDigests?.[0]?.split('@')[0] : undefined;
        return {
          Repository: untagged ?? name.slice(0, colon),
          Tag: name.slice(colon + 1),
          Digest: digest,
          ID: values['no-trunc'] ? image.Id : image.Id.replace(/^sha256:/, '').slice(0, 12),
          CreatedSince:
            image.Created > 0 ? `${humanDuration(Date.now() - image.Created * 1000)} ago` : 'N/A',
          CreatedAt: new Date(image.Created * 1000).toISOString(),
          Size: humanSize(image.Size),
        };
      });
    });
    printRows(rows, {
      format: values.format,
      quiet: values.quiet ? 'ID' : undefined,
      columns: [
        ['REPOSITORY', 'Repository'],
        ['TAG', 'Tag'],
        ...(values.digests ? ([['DIGEST', 'Digest']] as const) : []),
        ['IMAGE ID', 'ID'],
        ['CREATED', 'CreatedSince'],
        ['SIZE', 'Size'],
      ],
    });
    return 0;
  },
});

export const rmi = defineCommand({
  name: 'rmi',
  synopsis: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Remove one or more images',
  arguments: { min: 1 },
  flags: {
    force: boolean('Force removal of the image', 'f'),
    'no-prune': boolean('Do not delete untagged parents'),
    ...missing('platform'),
  },
  async run({ client }, { force, 'no-prune': noprune }, names) {
    return forEachName(names, async (name) => {
      const removed = await client.json<{ Untagged?: string; Deleted?: string }[]>(
        'DELETE',
        `/images/${name}`,
        {
          query: { force: force ? 1 : undefined, noprune: noprune ? 1 : undefined },
        },
      );
      for (const { Untagged, Deleted } of removed) {
        if (Untagged !== undefined) process.stdout.write(`Untagged: ${Untagged}\n`);
        if (Deleted !== undefined) process.stdout.write(`Deleted: ${Deleted}\n`);
      }
    });
  },
});
