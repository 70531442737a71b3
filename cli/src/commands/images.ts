/** `engine images` and `engine rmi` */
import { filterQuery } from '../client/filters.ts';
import { platformQuery } from '../client/platform.ts';
import { defineCommand, forEachName } from '../command-line/command.ts';
import { boolean, format as formatFlag, list, missing } from '../command-line/flags.ts';
import { chosenFormat } from '../config/settings.ts';
import { imageHeadings, imageRows, type ImageSummary } from '../format/image-row.ts';
import { printRows } from '../format/listing.ts';

export const images = defineCommand({
  synopsis: '[OPTIONS] [REPOSITORY[:TAG]]',
  arguments: { min: 0, max: 1 },
  flags: {
    all: boolean('Show all images (default hides intermediate images)', 'a'),
    digests: boolean('Show digests'),
    filter: list('Filter output based on conditions provided', 'f', 'filter'),
    format: formatFlag(),
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
    const format = chosenFormat(values.format, 'imagesFormat');
    const digests = values.digests || /\.Digest\b/.test(format ?? '');
    const truncate = !values['no-trunc'];
    const rows = found.flatMap((image) => imageRows(image, { truncate, digests }));
    printRows(rows, {
      format,
      quiet: values.quiet ? 'ID' : undefined,
      columns: [
        ['REPOSITORY', 'Repository'],
        ['TAG', 'Tag'],
        ...(values.digests ? ([['DIGEST', 'Digest']] as const) : []),
        ['IMAGE ID', 'ID'],
        ['CREATED', 'CreatedSince'],
        ['SIZE', 'Size'],
      ],
      headings: imageHeadings,
    });
    return 0;
  },
});

export const rmi = defineCommand({
  synopsis: '[OPTIONS] IMAGE [IMAGE...]',
  arguments: { min: 1 },
  flags: {
    force: boolean('Force removal of the image', 'f'),
    'no-prune': boolean('Do not delete untagged parents'),
    platform: list(
      'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      undefined,
      'strings',
    ),
  },
  async run({ client }, { force, 'no-prune': noprune, platform }, names) {
    const platforms = platform.flatMap((value) => value.split(',')).map(platformQuery);
    return forEachName(names, async (name) => {
      const removed = await client.json<{ Untagged?: string; Deleted?: string }[]>(
        'DELETE',
        `/images/${name}`,
        {
          query: { force: force ? 1 : undefined, noprune: noprune ? 1 : undefined, platforms },
        },
      );
      for (const { Untagged, Deleted } of removed) {
        if (Untagged !== undefined) process.stdout.write(`Untagged: ${Untagged}\n`);
        if (Deleted !== undefined) process.stdout.write(`Deleted: ${Deleted}\n`);
      }
    });
  },
});
